// irc-framework over a WebSocket: two people in a channel, one says something, the other one hears it.
// { host, port, path, protocol, channel, text } prints what was heard and by which subprotocol.
import WebSocket from 'ws';
import IRC from 'irc-framework';
import transport from 'irc-framework/src/transports/websocket.js';

globalThis.WebSocket = WebSocket; // as browsers have it: the transport is made for them

const options = JSON.parse(process.argv[2]);

function join(nick) {
  const client = new IRC.Client();
  client.connect({
    transport, nick, username: nick, gecos: nick, host: options.host, port: options.port, path: options.path,
    websocket_protocol: options.protocol, auto_reconnect: false, ping_interval: 0,
  });
  return new Promise((resolve, reject) => {
    client.on('registered', () => client.join(options.channel));
    client.on('userlist', () => resolve(client));
    client.on('socket close', () => reject(new Error(`${nick}: the connection has ended`)));
  });
}

const [speaker, hearer] = [await join('speaker'), await join('hearer')];
const heard = new Promise((resolve) => hearer.on('privmsg', resolve));
speaker.say(options.channel, options.text);
const { nick, message } = await heard;
const chosen = hearer.connection.transport.socket.protocol;
console.log(JSON.stringify({ nick, message, protocol: chosen }));
process.exit(0);
