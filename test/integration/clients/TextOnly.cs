// A client as .NET's literature has it: System.Net.WebSockets.ClientWebSocket, text messages only; whatever else comes
// is answered with a Close that says why. TextOnly.exe URL COUNT [SUBPROTOCOL] [LINE...]: says the lines, one message
// each, and prints COUNT messages; then how it ended.
using System;
using System.IO;
using System.Net.WebSockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

static class TextOnly
{
    static readonly CancellationToken Patience = new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    static int Main(string[] arguments)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        return Talk(arguments).GetAwaiter().GetResult();
    }

    static async Task<int> Talk(string[] arguments)
    {
        using (var socket = new ClientWebSocket())
        {
            if (arguments.Length > 2 && arguments[2] != "") socket.Options.AddSubProtocol(arguments[2]);
            await socket.ConnectAsync(new Uri(arguments[0]), Patience);
            Console.WriteLine("protocol " + socket.SubProtocol);
            for (int i = 3; i < arguments.Length; i++) await Say(socket, arguments[i]);
            await Listen(socket, int.Parse(arguments[1]));
            Console.WriteLine("ended {0} {1}", (int)socket.CloseStatus.GetValueOrDefault(), socket.CloseStatusDescription);
        }
        return 0;
    }

    static Task Say(ClientWebSocket socket, string text)
    {
        var bytes = new ArraySegment<byte>(Encoding.UTF8.GetBytes(text));
        return socket.SendAsync(bytes, WebSocketMessageType.Text, true, Patience);
    }

    static async Task Listen(ClientWebSocket socket, int count)
    {
        for (int heard = 0; heard < count; heard++)
        {
            var message = new MemoryStream();
            var result = await Receive(socket, message);
            if (result.MessageType == WebSocketMessageType.Close) break;
            if (result.MessageType != WebSocketMessageType.Text)
            {
                await socket.CloseAsync(WebSocketCloseStatus.InvalidMessageType, "Only text messages, please", Patience);
                return;
            }
            // Throws where it isn't UTF-8.
            Console.WriteLine("message " + new UTF8Encoding(false, true).GetString(message.ToArray()));
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "Enough", Patience);
    }

    // A message may come in many pieces: the buffer is small on purpose.
    static async Task<WebSocketReceiveResult> Receive(ClientWebSocket socket, MemoryStream message)
    {
        var buffer = new ArraySegment<byte>(new byte[16]);
        WebSocketReceiveResult result;
        do
        {
            result = await socket.ReceiveAsync(buffer, Patience);
            message.Write(buffer.Array, 0, result.Count);
        } while (!result.EndOfMessage);
        return result;
    }
}
