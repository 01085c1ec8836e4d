// PostgreSQL by way of @neondatabase/serverless: { database, proxy, secure, ca, pipelineConnect, rows } connects a
// pool to `database` (a URL) through the WebSocket proxy (host:port of wsluice), asks small and large things, in a
// transaction and side by side, and prints what came.
import { createHash, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';

globalThis.crypto ??= webcrypto; // Node 18 has it, but not there
const { neonConfig, Pool } = await import('@neondatabase/serverless');

const { database, proxy, secure, ca, pipelineConnect, rows } = JSON.parse(process.argv[2]);

neonConfig.webSocketConstructor = class extends WebSocket {
  constructor(url) {
    super(url, { ca: ca && readFileSync(ca) });
  }
};
neonConfig.wsProxy = (host, port) => `${proxy}/v1?address=${host}:${port}`;
neonConfig.useSecureWebSocket = secure;
neonConfig.pipelineConnect = pipelineConnect;

const pool = new Pool({ connectionString: database, max: 3 });
const report = {};
try {
  report.answer = (await pool.query('SELECT $1::int + 1 AS sum', [41])).rows[0].sum;
  const client = await pool.connect();
  await client.query('BEGIN');
  await client.query('CREATE TEMP TABLE kept (id int, body text)');
  await client.query(`INSERT INTO kept SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, ${rows}) n`);
  const { rows: kept } = await client.query('SELECT body FROM kept ORDER BY id');
  await client.query('ROLLBACK');
  client.release();
  const hash = createHash('sha256');
  for (const { body } of kept) hash.update(body);
  report.bulk = [kept.length, hash.digest('hex')];
  const beside = await Promise.all([1, 2, 3, 4, 5].map((n) => pool.query('SELECT pg_sleep(0.02), $1::int AS n', [n])));
  report.beside = beside.map((result) => result.rows[0].n);
  await pool.query('SELECT no_such_column').catch((error) => { report.refused = error.code; });
} catch (error) {
  report.error = String(error.message ?? error.type ?? error);
}
await pool.end();
console.log(JSON.stringify(report));
