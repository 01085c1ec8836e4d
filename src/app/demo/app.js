/* Ties the page together: the connection's events to the transcript, the frames and the meters, and
 * the controls to the connection. */

import { Charts } from './charts.js';
import { CLOSE_CODES, explainClose } from './closecodes.js';
import { Connection } from './connection.js';
import { InputHistory, Transcript } from './console.js';
import { formatBytes, formatCount, formatMs, formatRate } from './format.js';
import { FrameInspector } from './frames.js';
import { Meter, WINDOW_MS } from './meter.js';

const byId = (id) => document.getElementById(id);

const FIGURES_MS = 100; // figures change ten times a second: more can't be read
const MOVING_DRAW_MS = 30;
const IDLE_DRAW_MS = 1000;
const LINE_ENDS = { lf: '\n', crlf: '\r\n', none: '' };
const STATE_WORDS = { closed: 'Not connected', connecting: 'Connecting', open: 'Connected', closing: 'Closing' };
const WAVE = '~-._.-~-._.-~-._.-~-._.-~-._.-~-._.-~-._.-~-._.-~'; // 64 bytes a line with the rest
const reducedMotion = window.matchMedia('(prefers-reduced-motion: reduce)');

const meter = new Meter();
const charts = new Charts(byId('throughput'), byId('rtt'));
const transcript = new Transcript(byId('transcript'), byId('to-newest'));
const history = new InputHistory(byId('line'));
const frames = new FrameInspector({
  rows: byId('frames-rows'), box: byId('frames-box'), empty: byId('frames-empty'), count: byId('frames-count'),
  direction: byId('frames-direction'), search: byId('frames-search'), pause: byId('frames-pause'),
  clear: byId('frames-clear'), detail: byId('detail'), title: byId('detail-title'), facts: byId('detail-facts'),
  close: byId('detail-close'), offsets: byId('dump-offsets'), hex: byId('dump-hex'), chars: byId('dump-chars'),
  text: byId('dump-text'),
});
const connection = new Connection({ onState, onFrame, onClosed });

/** The page's own origin as a WebSocket URL; for a page from a file, the port of `make run`. */
const ownUrl = location.protocol.startsWith('http')
  ? `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`
  : 'ws://localhost:6080/';

/* --- connection --------------------------------------------------------------------------------- */

let lastTraffic = -Infinity;
let hiddenPongs = 0; // answers to probes: measured, not shown

function onState(state) {
  const pill = byId('state');
  pill.dataset.state = state;
  pill.textContent = STATE_WORDS[state];
  const isIdle = state === 'closed';
  byId('connect').textContent = isIdle ? 'Connect' : state === 'connecting' ? 'Give up' : 'Disconnect';
  byId('connect').classList.toggle('primary', isIdle);
  byId('peer').textContent = state === 'open' && connection.protocol !== '' ? `subprotocol ${connection.protocol}` : '';
  byId('line').placeholder = state === 'open' ? 'Type help and press Enter' : 'Not connected';
  document.body.dataset.state = state;
  if (state === 'open') {
    byId('ended').hidden = true;
    transcript.note(`Connected to ${byId('url').value}`, 'good');
    announce('Connected');
  }
}

function onFrame(record, bytes) {
  const now = performance.now();
  lastTraffic = now;
  frames.add(record);
  if (record.opcode === 'close') return;
  meter.count(record.direction, record.length, now);
  if (record.direction === 'up') return;
  meter.answered(now);
  if (!takePong(bytes)) transcript.receive(bytes);
}

/** Whether the message is nothing but the answer to a probe. */
function takePong(bytes) {
  const pong = 'pong\n';
  if (hiddenPongs === 0 || bytes.length !== pong.length) return false;
  if (!bytes.every((byte, i) => byte === pong.charCodeAt(i))) return false;
  hiddenPongs--;
  return true;
}

function onClosed({ code, reason, opened }) {
  meter.forgetQuestion();
  const { name, words } = explainClose(code);
  const what = opened ? 'Closed' : 'Could not connect';
  const tone = code === 1000 || code === 1005 ? 'info' : 'bad';
  transcript.note(`${what}: ${code} ${reason || name}`, tone);
  byId('ended-code').textContent = `${code} ${name}`;
  byId('ended-reason').textContent = reason === '' ? '' : `“${reason}”`;
  byId('ended-words').textContent = words;
  byId('ended').hidden = false;
  byId('ended').dataset.tone = tone;
  markCode(code);
  announce(`${what}. Code ${code}, ${name}. ${reason}`);
}

function connect() {
  const url = byId('url').value.trim();
  const protocols = byId('protocols').value.split(',').map((word) => word.trim()).filter((word) => word !== '');
  meter.reset();
  hiddenPongs = 0;
  transcript.restart();
  byId('ended').hidden = true;
  showNote('');
  try {
    connection.open(url, protocols);
  } catch (error) {
    showNote(`That can't be connected to: ${error.message}`);
  }
}

function showNote(text) {
  byId('connect-note').textContent = text;
  byId('connect-note').hidden = text === '';
  if (text !== '') announce(text);
}

byId('connect-form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (connection.state === 'closed') connect();
  else connection.close();
});
/** While connected the form's button disconnects; Enter in a field still goes where the field says. */
for (const id of ['url', 'protocols']) {
  byId(id).addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing) return;
    event.preventDefault();
    connect();
  });
}
byId('reconnect').addEventListener('click', () => {
  connect();
  byId('line').focus();
});

/* --- sending ------------------------------------------------------------------------------------ */

function sendLine(text, { quietly = false } = {}) {
  if (connection.state !== 'open') {
    transcript.note('Not connected: nothing was sent.', 'bad');
    return;
  }
  meter.asked(performance.now());
  const mode = document.querySelector('input[name=mode]:checked').value;
  connection.send(text + LINE_ENDS[byId('ending').value], mode);
  if (!quietly) transcript.typed(text);
}

byId('line-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const input = byId('line');
  history.add(input.value);
  sendLine(input.value);
  transcript.toNewest();
  if (connection.state === 'open') input.value = '';
});

for (const button of document.querySelectorAll('[data-line]')) {
  button.addEventListener('click', () => {
    history.add(button.dataset.line);
    sendLine(button.dataset.line);
    transcript.toNewest();
  });
}

/** A megabyte up, in frames of many short lines; the service sends them back, so both sides move. */
byId('burst').addEventListener('click', () => {
  const framesToSend = 256;
  const linesPerFrame = 64;
  if (connection.state !== 'open') {
    sendLine('');
    return;
  }
  transcript.note(`${framesToSend} frames of ${linesPerFrame} lines go up, and come back`);
  for (let i = 0; i < framesToSend; i++) {
    const lines = Array.from({ length: linesPerFrame }, (_, j) => `echo ${String(i * linesPerFrame + j).padStart(6, '0')} ${WAVE}`);
    sendLine(lines.join('\n'), { quietly: true });
  }
});

/** A ping each second draws the curve while nobody types. */
setInterval(() => {
  if (!byId('probe').checked || connection.state !== 'open' || connection.backlog > 0) return;
  hiddenPongs = 1; // one that came together with other bytes was shown, and is not waited for
  sendLine('ping', { quietly: true });
}, 1000);

/* --- figures and charts ------------------------------------------------------------------------- */

let figuresAt = -Infinity;
let drawnAt = -Infinity;

function showFigures(now) {
  for (const direction of ['up', 'down']) {
    const { bytes, frames: count } = meter[direction];
    byId(`${direction}-bytes`).textContent = formatBytes(bytes);
    byId(`${direction}-bytes`).title = formatCount(bytes, 'byte');
    byId(`${direction}-frames`).textContent = formatCount(count, 'frame');
    byId(`${direction}-rate`).textContent = formatRate(meter.rate(direction, now));
  }
  const figures = meter.roundTripFigures();
  for (const [name, value] of Object.entries(figures)) byId(`rtt-${name}`).textContent = formatMs(value);
  charts.drawRoundTrips(meter.roundTrips, figures.p50);
}

/** Often while there is something to see in the minute shown, else once a second. */
function draw(now) {
  requestAnimationFrame(draw);
  if (now - figuresAt >= FIGURES_MS) {
    figuresAt = now;
    showFigures(now);
  }
  const isMoving = now - lastTraffic < WINDOW_MS && !reducedMotion.matches;
  if (now - drawnAt < (isMoving ? MOVING_DRAW_MS : IDLE_DRAW_MS)) return;
  drawnAt = now;
  charts.drawThroughput(meter, now);
}

/* --- around it ---------------------------------------------------------------------------------- */

function announce(text) {
  byId('announce').textContent = text;
}

const THEMES = ['system', 'light', 'dark'];
const THEME_FACES = { system: '◐', light: '☀', dark: '☾' };

function showTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const word = theme[0].toUpperCase() + theme.slice(1);
  const label = document.createElement('span');
  label.textContent = word;
  byId('theme').replaceChildren(`${THEME_FACES[theme]} `, label);
  byId('theme').setAttribute('aria-label', `Theme: ${theme}`);
  charts.readColours();
  drawnAt = figuresAt = -Infinity;
}

byId('theme').addEventListener('click', () => {
  const theme = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme ?? 'system') + 1) % THEMES.length];
  try {
    localStorage.setItem('wsluice-theme', theme);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  showTheme(theme);
});
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  charts.readColours();
  drawnAt = figuresAt = -Infinity;
});

byId('console-clear').addEventListener('click', () => transcript.clear());

/** The clipboard is there only on localhost and over TLS; selecting works everywhere. */
async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand('copy');
  }
}

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', async () => {
    const isCopied = await copyText(byId(button.dataset.copy));
    button.textContent = isCopied ? 'Copied' : 'Selected';
    announce(isCopied ? 'Copied' : 'Selected: copy it with your keyboard');
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
}

function fillCodes() {
  for (const [code, [name, words]] of CLOSE_CODES) {
    const row = document.createElement('div');
    row.id = `code-${code}`;
    const term = document.createElement('dt');
    term.textContent = `${code} ${name}`;
    const description = document.createElement('dd');
    description.textContent = words;
    row.append(term, description);
    byId('codes-list').append(row);
  }
}

function markCode(code) {
  byId('codes-list').querySelector('.last')?.classList.remove('last');
  byId(`code-${code}`)?.classList.add('last');
}

/** ?url= and ?protocol= preset the connection. Anybody can write such a link, so only the page's own
 * origin is connected to without being asked. */
function start() {
  const query = new URLSearchParams(location.search);
  const wanted = query.get('url');
  let target = ownUrl;
  let isOwn = true;
  if (wanted !== null) {
    try {
      const parsed = new URL(wanted, ownUrl);
      if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') throw new TypeError('not a WebSocket URL');
      target = parsed.href;
      isOwn = parsed.host === location.host;
    } catch {
      showNote('The link to this page names no WebSocket URL; this is the page\'s own.');
    }
  }
  byId('url').value = target;
  if (query.has('protocol')) byId('protocols').value = query.get('protocol');
  byId('own-script').textContent = `new WebSocket("${ownUrl}")`;
  showTheme(document.documentElement.dataset.theme ?? 'system');
  fillCodes();
  onState('closed');
  requestAnimationFrame(draw);
  if (window.matchMedia('(pointer: fine)').matches) byId('line').focus(); // on a phone it would raise the keyboard
  if (isOwn) connect();
  else showNote('The link to this page chose this URL. Connect to it only if you know it.');
}

start();
