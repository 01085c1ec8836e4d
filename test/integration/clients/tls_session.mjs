// Node's TLS against wsluice: { port, ca, version }. Gets a page, echoes through npm `ws`, comes back with the
// session's ticket, and once without knowing the authority; prints what it saw of each.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect } from 'node:tls';
import WebSocket from 'ws';

const { port, ca, version } = JSON.parse(process.argv[2]);
const tls = { ca: readFileSync(ca), minVersion: version, maxVersion: version };
const report = {};

async function page() {
  const [response] = await once(get({ host: 'localhost', port, path: '/small.html', agent: false, ...tls }), 'response');
  report.protocol = response.socket.getProtocol();
  report.page = '';
  for await (const piece of response) report.page += piece;
}

async function echo() {
  const socket = new WebSocket(`wss://localhost:${port}/`, tls);
  await once(socket, 'open');
  socket.send(Buffer.from('through TLS'));
  const [message] = await once(socket, 'message');
  report.echo = message.toString();
  socket.close(1000);
  [report.code] = await once(socket, 'close');
}

/** One request on a connection of its own: the ticket it was given, and whether it came with one. */
async function visit(session) {
  const socket = connect({ host: 'localhost', servername: 'localhost', port, session, ...tls });
  let ticket = null;
  socket.on('session', (given) => { ticket = given; });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  socket.end('GET /small.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  return { ticket, resumed };
}

await page();
await echo();
report.resumed = (await visit((await visit()).ticket)).resumed;
const stranger = connect({ host: 'localhost', servername: 'localhost', port });
report.unknown = (await once(stranger, 'error'))[0].code;
console.log(JSON.stringify(report));
