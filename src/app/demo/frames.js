/* The frame inspector: a table of the newest frames, and one of them opened as hex and text.
 *
 * Records are collected at any speed; the table follows ten times a second (in a flood less often) and
 * never holds more than FRAMES_KEPT rows, so that a flood costs little more than a chat.
 */

import { KEPT_BYTES, OPCODES } from './connection.js';
import { explainClose } from './closecodes.js';
import { formatClock, formatCount, hexDump, showControls } from './format.js';

const FRAMES_KEPT = 500;
const REFRESH_MS = 100;
const FLOOD_REFRESH_MS = 300;
const FLOOD_FRAMES = 40; // so many in one refresh are a flood: no eye follows them
const PREVIEW_BYTES = 160;
const NARROW_PX = 560;

const decoder = new TextDecoder();
const ARROWS = { up: '↑', down: '↓' };
const WORDS = { up: 'sent', down: 'received' };

function previewOf(record) {
  if (record.opcode === 'close') {
    return record.length === 0 ? '(no code)' : `${record.code} ${record.reason}`.trim();
  }
  return showControls(decoder.decode(record.bytes.subarray(0, PREVIEW_BYTES)));
}

/** Length of the frame's header on the wire (RFC 6455 section 5.2); what a browser sends is masked. */
function headerLength(record) {
  const extended = record.length < 126 ? 0 : record.length < 65536 ? 2 : 8;
  return 2 + extended + (record.direction === 'up' ? 4 : 0);
}

function cell(className, text) {
  const element = document.createElement('td');
  element.className = className;
  element.textContent = text;
  return element;
}

export class FrameInspector {
  /** `at` holds the elements by name: rows, box, empty, count, direction, search, pause, clear,
   * detail, title, facts, close, offsets, hex, chars, text. */
  constructor(at) {
    this.at = at;
    this.records = []; // oldest first
    this.fresh = []; // not in the table yet
    this.rowOf = new Map(); // record -> row
    this.recordOf = new WeakMap(); // row -> record
    this.total = 0;
    this.paused = false;
    this.missed = 0; // came while paused
    this.following = true;
    this.opened = null;
    this.timer = null;
    this.delayMs = REFRESH_MS;
    this.listen();
  }

  add(record) {
    this.total++;
    if (this.paused) {
      this.missed++;
    } else {
      this.fresh.push(record);
      if (this.fresh.length > FRAMES_KEPT) this.fresh.shift();
    }
    this.timer ??= setTimeout(() => this.refresh(), this.delayMs);
  }

  listen() {
    const { at } = this;
    at.direction.addEventListener('change', () => this.rebuild());
    at.search.addEventListener('input', () => this.rebuild());
    at.pause.addEventListener('click', () => this.setPaused(!this.paused));
    at.clear.addEventListener('click', () => this.clear());
    at.close.addEventListener('click', () => this.closeDetail());
    at.detail.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.closeDetail();
    });
    at.rows.addEventListener('click', (event) => {
      const row = event.target.closest('tr');
      if (row !== null) this.openDetail(row);
    });
    at.rows.addEventListener('keydown', (event) => this.onKey(event));
    at.box.addEventListener('scroll', () => {
      this.following = at.box.scrollHeight - at.box.scrollTop - at.box.clientHeight < 24;
    });
    window.addEventListener('resize', () => {
      if (this.opened !== null) this.showDump(this.opened);
    });
  }

  /* --- the table ------------------------------------------------------------------------------ */

  matches(record) {
    const direction = this.at.direction.value;
    if (direction !== '' && record.direction !== direction) return false;
    const sought = this.at.search.value.trim().toLowerCase();
    return sought === '' || record.opcode.includes(sought) || record.preview.toLowerCase().includes(sought);
  }

  refresh() {
    clearTimeout(this.timer);
    this.timer = null;
    this.delayMs = this.fresh.length > FLOOD_FRAMES ? FLOOD_REFRESH_MS : REFRESH_MS;
    const fragment = document.createDocumentFragment();
    for (const record of this.fresh) {
      record.preview = previewOf(record);
      this.records.push(record);
      if (this.matches(record)) fragment.append(this.makeRow(record));
    }
    this.fresh = [];
    this.dropOldest();
    this.at.rows.append(fragment);
    this.finishTable();
  }

  rebuild() {
    const hadFocus = this.at.rows.contains(document.activeElement);
    this.rowOf.clear();
    const rows = this.records.filter((record) => this.matches(record)).map((record) => this.makeRow(record));
    this.at.rows.replaceChildren(...rows);
    this.following = true;
    this.finishTable();
    if (hadFocus) this.at.rows.lastElementChild?.focus();
  }

  dropOldest() {
    const over = this.records.length - FRAMES_KEPT;
    if (over <= 0) return;
    for (const record of this.records.splice(0, over)) {
      const row = this.rowOf.get(record);
      if (row === undefined) continue;
      const next = row.nextElementSibling;
      if (row === document.activeElement && next !== null) this.focusRow(next);
      row.remove();
      this.rowOf.delete(record);
    }
  }

  makeRow(record) {
    const row = document.createElement('tr');
    row.className = record.opcode === 'close' ? `${record.direction} is-close` : record.direction;
    row.tabIndex = -1;
    row.setAttribute('aria-selected', String(record === this.opened));
    const arrow = cell('c-arrow', ARROWS[record.direction]);
    arrow.setAttribute('aria-label', WORDS[record.direction]);
    row.append(arrow, cell('c-time', formatClock(record.time)), cell('c-opcode', record.opcode),
      cell('c-length', record.length.toLocaleString('en')), cell('c-payload', record.preview));
    this.rowOf.set(record, row);
    this.recordOf.set(row, record);
    return row;
  }

  finishTable() {
    const { rows, box, empty, count } = this.at;
    const shown = rows.childElementCount;
    empty.hidden = shown > 0;
    if (rows.querySelector('tr[tabindex="0"]') === null && shown > 0) rows.lastElementChild.tabIndex = 0;
    const parts = [formatCount(this.total, 'frame')];
    if (shown < this.total) parts.push(`${shown} shown`);
    if (this.missed > 0) parts.push(`${this.missed.toLocaleString('en')} passed while paused`);
    count.textContent = this.total === 0 ? 'none yet' : parts.join(', ');
    if (this.following && this.opened === null && !rows.contains(document.activeElement)) {
      box.scrollTop = box.scrollHeight;
    }
  }

  setPaused(paused) {
    this.paused = paused;
    if (!paused) this.missed = 0;
    this.at.pause.setAttribute('aria-pressed', String(paused));
    this.at.pause.textContent = paused ? 'Resume' : 'Pause';
    this.refresh();
  }

  clear() {
    this.records = [];
    this.fresh = [];
    this.rowOf.clear();
    this.total = 0;
    this.missed = 0;
    this.at.rows.replaceChildren();
    this.closeDetail();
    this.finishTable();
  }

  /* --- moving --------------------------------------------------------------------------------- */

  onKey(event) {
    const row = event.target.closest('tr');
    const page = 10;
    const rows = [...this.at.rows.children];
    const at = rows.indexOf(row);
    const moves = {
      ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1,
    };
    if (event.key in moves) {
      const to = rows[Math.max(0, Math.min(rows.length - 1, moves[event.key]))];
      this.focusRow(to);
      if (this.opened !== null) this.openDetail(to);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.openDetail(row);
    } else if (event.key === 'Escape') {
      this.closeDetail();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** One row is in the tab order: the one that was last moved to. */
  focusRow(row) {
    for (const other of this.at.rows.querySelectorAll('tr[tabindex="0"]')) other.tabIndex = -1;
    row.tabIndex = 0;
    row.focus();
  }

  /* --- one frame ------------------------------------------------------------------------------ */

  openDetail(row) {
    const record = this.recordOf.get(row);
    if (this.opened !== null) this.rowOf.get(this.opened)?.setAttribute('aria-selected', 'false');
    this.opened = record;
    row.setAttribute('aria-selected', 'true');
    this.at.detail.hidden = false;
    this.focusRow(row);
    this.at.title.textContent = `${ARROWS[record.direction]} ${record.opcode}, ${WORDS[record.direction]}`;
    this.showFacts(record);
    this.showDump(record);
    row.scrollIntoView({ block: 'nearest' });
  }

  closeDetail() {
    this.at.detail.hidden = true;
    if (this.opened === null) return;
    const row = this.rowOf.get(this.opened);
    this.opened = null;
    row?.setAttribute('aria-selected', 'false');
    (row ?? this.at.rows.lastElementChild)?.focus();
  }

  showFacts(record) {
    const header = headerLength(record);
    const masked = record.direction === 'up' ? ', its 4-byte mask included' : ', unmasked';
    const facts = [
      ['Time', formatClock(record.time)],
      ['Opcode', `0x${OPCODES[record.opcode].toString(16)} ${record.opcode}, FIN set`],
      ['Payload', formatCount(record.length, 'byte')],
      ['Header', `${header} bytes${masked}`],
    ];
    if (record.opcode === 'close' && record.length > 0) {
      const { name, words } = explainClose(record.code);
      facts.push(['Meaning', `${record.code} ${name}. ${words}`]);
    }
    if (record.length > KEPT_BYTES) facts.push(['Shown', `the first ${KEPT_BYTES.toLocaleString('en')} bytes`]);
    this.at.facts.replaceChildren(...facts.map(([name, value]) => {
      const pair = document.createElement('div');
      const term = document.createElement('dt');
      const description = document.createElement('dd');
      term.textContent = name;
      description.textContent = value;
      pair.append(term, description);
      return pair;
    }));
  }

  showDump(record) {
    const perLine = window.innerWidth < NARROW_PX ? 8 : 16;
    const dump = hexDump(record.bytes, perLine);
    this.at.offsets.textContent = dump.offsets;
    this.at.hex.textContent = dump.hex || '(no payload)';
    this.at.chars.textContent = dump.chars;
    this.at.text.textContent = showControls(decoder.decode(record.bytes), '\n\t') || '(empty)';
  }
}
