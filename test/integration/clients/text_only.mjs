// A client that takes text messages only and closes with a reason otherwise, as samples in many a language do:
// { url, say, protocols, count } are what it says, one message each, what it offers, and how many messages it
// waits for. Prints them, the subprotocol and how it ended.
import WebSocket from 'ws';

const { url, say = [], protocols = [], count } = JSON.parse(process.argv[2]);
const socket = new WebSocket(url, protocols);
const messages = [];

socket.on('open', () => say.forEach((text) => socket.send(text)));
socket.on('message', (data, isBinary) => {
  if (isBinary) {
    socket.close(1003, 'This client takes text only');
    return;
  }
  messages.push(data.toString());
  if (messages.length === count) socket.close(1000, 'Enough');
});
const [code, reason] = await new Promise((resolve, reject) => {
  socket.on('error', reject);
  socket.on('close', (...end) => resolve(end));
});
console.log(JSON.stringify({ messages, protocol: socket.protocol, code, reason: reason.toString() }));
