// Moves random bytes through npm `ws`: { url, up, down } are byte counts, { ca } the authority to trust for
// wss; prints what was sent and received, with hashes. Every second message goes out in fragments, one of them empty.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';

const { url, ca, up, down, expectServerClose } = JSON.parse(process.argv[2]);
const SIZES = [1, 2, 125, 126, 127, 1021, 4093, 65535, 65536, 65537, 262147, 1048573, 3000017];

const data = randomBytes(up);
const received = createHash('sha256');
let receivedBytes = 0;
const report = { sentHash: createHash('sha256').update(data).digest('hex') };

const socket = new WebSocket(url, ca ? { ca: readFileSync(ca) } : {});
const closed = new Promise((resolve) =>
  socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
const downloaded = new Promise((resolve, reject) => {
  socket.on('error', reject);
  socket.on('close', (code) => reject(new Error(`closed with ${code} after ${receivedBytes} bytes`)));
  socket.on('message', (message, isBinary) => {
    if (!isBinary) reject(new Error('a text message came'));
    receivedBytes += message.length;
    received.update(message);
    if (receivedBytes >= down) resolve();
  });
  if (down === 0) resolve();
});
await Promise.race([new Promise((resolve) => socket.on('open', resolve)), downloaded.then(() => new Promise(() => {}))]);

const send = (bytes, fin) => new Promise((resolve, reject) =>
  socket.send(bytes, { binary: true, fin }, (error) => (error ? reject(error) : resolve())));

async function upload() {
  let number = 0;
  for (let position = 0; position < data.length; number++) {
    const message = data.subarray(position, position + SIZES[number % SIZES.length]);
    position += message.length;
    if (number % 2) {
      await send(message, true);
      continue;
    }
    await send(message.subarray(0, 1), false);
    await send(message.subarray(0, 0), false);
    await send(message.subarray(1), true);
  }
}

await Promise.all([upload(), downloaded]);
if (!expectServerClose) socket.close(1000);
Object.assign(report, await closed);
console.log(JSON.stringify({ ...report, receivedBytes, receivedHash: received.digest('hex') }));
