// A WebSocket-to-TCP relay on npm's `ws`, as one would write it: two streams piped into each other, so that
// backpressure is the library's. A peer of `make bench`.
//
//   node node_ws.js LISTEN_PORT TARGET_PORT
'use strict';
const net = require('node:net');
const { WebSocketServer, createWebSocketStream } = require('ws');

const [listenPort, targetPort] = process.argv.slice(2).map(Number);
const server = new WebSocketServer({ host: '127.0.0.1', port: listenPort, backlog: 1024, perMessageDeflate: false });

server.on('connection', (client) => {
  const target = net.connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
  const stream = createWebSocketStream(client);
  target.on('error', () => client.terminate());
  stream.on('error', () => target.destroy());
  stream.pipe(target).pipe(stream);
});
