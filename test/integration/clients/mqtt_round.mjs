// One round through mqtt.js: { url, ca, version, bytes } connects, subscribes, publishes random bytes with
// QoS 1, waits for them to come back, ends; prints hashes of both.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import mqtt from 'mqtt';

const { url, ca, version, bytes } = JSON.parse(process.argv[2]);
const hash = (data) => createHash('sha256').update(data).digest('hex');
const topic = 'wsluice/round';
const payload = randomBytes(bytes);

const client = mqtt.connect(url, {
  protocolVersion: version,
  clientId: `wsluice-${process.pid}`,
  reconnectPeriod: 0,
  connectTimeout: 10000,
  ca: ca && readFileSync(ca),
});
const arrived = new Promise((resolve) =>
  client.on('message', (name, message, packet) => resolve({ name, message, qos: packet.qos })));
client.on('error', (error) => { throw error; });
client.on('close', () => { throw new Error('the connection was closed too early'); });

await new Promise((resolve) => client.on('connect', resolve));
await client.subscribeAsync(topic, { qos: 1 });
await client.publishAsync(topic, payload, { qos: 1 }); // resolves with the broker's PUBACK
const { name, message, qos } = await arrived;
client.removeAllListeners('close');
await client.endAsync();
console.log(JSON.stringify({ name, qos, bytes: message.length, sentHash: hash(payload), receivedHash: hash(message) }));
