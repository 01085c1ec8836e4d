/* The transcript: what was typed and what came back, line by line, however fast it comes.
 *
 * Text is collected as it comes and put on the page at most once a frame, and in a flood five times a
 * second: laying out lines that nobody can read would cost more than all else. What would scroll past
 * unread is left out, with a line that says how much. Text only ever becomes text nodes.
 */

import { formatBytes, showControls } from './format.js';

const LINES_KEPT = 800;
const PENDING_MAX = 8 * 1024; // characters put on the page in one go: more than a screen
const FLOOD_FLUSH_MS = 200;
const LINE_MAX = 4096; // a longer line is broken up
const BUSY_LINES = 8; // more lines than that at once are not read out by screen readers

export class Transcript {
  constructor(element, newestButton) {
    this.element = element;
    this.newestButton = newestButton;
    this.decoder = new TextDecoder();
    this.pending = []; // {kind, text}
    this.pendingLength = 0;
    this.left = 0; // characters left out since the last flush
    this.scheduled = false;
    this.wasFlooded = false; // something was left out since the flush before the last
    this.openLine = null; // element of the received line that has no end yet
    this.following = true;
    element.addEventListener('scroll', () => this.onScroll());
    newestButton.addEventListener('click', () => this.toNewest());
  }

  /** Bytes of the service, in order. */
  receive(bytes) {
    this.push('in', this.decoder.decode(bytes, { stream: true }));
  }

  /** A line that was typed. */
  typed(text) {
    this.push('out', text);
  }

  /** What the page itself has to say; `tone` is 'info', 'good' or 'bad'. */
  note(text, tone = 'info') {
    this.push(`note ${tone}`, text);
  }

  /** A new connection: half a character of the old one is forgotten. */
  restart() {
    this.decoder = new TextDecoder();
    this.push('break', '');
  }

  clear() {
    this.pending = [];
    this.pendingLength = 0;
    this.left = 0;
    this.openLine = null;
    this.element.replaceChildren();
    this.toNewest();
  }

  push(kind, text) {
    const last = this.pending[this.pending.length - 1];
    if (kind === 'in' && last !== undefined && last.kind === 'in') {
      last.text += text;
      if (last.text.length > 2 * PENDING_MAX) this.shorten(last);
    } else {
      this.pending.push({ kind, text });
    }
    if (this.scheduled) return;
    this.scheduled = true;
    // The first piece of a flood shows at once; what follows it waits.
    if (this.wasFlooded) setTimeout(() => this.flush(), FLOOD_FLUSH_MS);
    else requestAnimationFrame(() => this.flush());
  }

  /** Keeps the end of a long stretch, from a line's start if there is one. */
  shorten(part) {
    const cut = part.text.length - PENDING_MAX;
    const lineStart = part.text.indexOf('\n', cut) + 1;
    const from = lineStart > 0 && lineStart < part.text.length ? lineStart : cut;
    this.left += from;
    this.wasFlooded = true;
    part.text = part.text.slice(from);
  }

  flush() {
    this.scheduled = false;
    this.wasFlooded = false;
    const fragment = document.createDocumentFragment();
    for (const part of this.pending) {
      if (part.kind === 'in') this.addReceived(fragment, part);
      else this.addLine(fragment, part);
    }
    this.pending = [];
    this.element.setAttribute('aria-live', fragment.childElementCount > BUSY_LINES ? 'off' : 'polite');
    this.element.append(fragment);
    while (this.element.childElementCount > LINES_KEPT) this.element.firstElementChild.remove();
    if (this.following) this.element.scrollTop = this.element.scrollHeight;
  }

  addLine(fragment, { kind, text }) {
    this.openLine = null;
    if (kind === 'break') return;
    fragment.append(this.line(kind, showControls(text, '\t')));
  }

  addReceived(fragment, part) {
    if (part.text.length > PENDING_MAX) this.shorten(part);
    if (this.left > 0) {
      this.openLine = null;
      fragment.append(this.line('note info', `… ${formatBytes(this.left)} went by too fast to show …`));
      this.left = 0;
    }
    const lines = part.text.replace(/\r\n/g, '\n').split('\n');
    lines.forEach((text, i) => {
      const isEnded = i < lines.length - 1;
      if (text !== '' || isEnded) this.extendLine(fragment, showControls(text, '\t'));
      if (isEnded) this.openLine = null;
    });
  }

  extendLine(fragment, text) {
    if (this.openLine === null || this.openLine.textContent.length + text.length > LINE_MAX) {
      for (let at = 0; at === 0 || at < text.length; at += LINE_MAX) {
        this.openLine = this.line('in', text.slice(at, at + LINE_MAX));
        fragment.append(this.openLine);
      }
    } else {
      this.openLine.textContent += text;
    }
  }

  line(kind, text) {
    const element = document.createElement('div');
    element.className = kind;
    element.textContent = text;
    return element;
  }

  onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    this.following = scrollHeight - scrollTop - clientHeight < 24;
    this.newestButton.hidden = this.following;
  }

  toNewest() {
    this.following = true;
    this.newestButton.hidden = true;
    this.element.scrollTop = this.element.scrollHeight;
  }
}

const HISTORY_KEPT = 100;

/** Arrow up and down recall earlier lines, as in a shell; what was half typed comes back. */
export class InputHistory {
  constructor(input) {
    this.input = input;
    this.lines = [];
    this.at = 0;
    this.draft = '';
    input.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowUp') this.move(event, -1);
      if (event.key === 'ArrowDown') this.move(event, 1);
    });
  }

  add(line) {
    if (line !== '' && line !== this.lines[this.lines.length - 1]) this.lines.push(line);
    if (this.lines.length > HISTORY_KEPT) this.lines.shift();
    this.at = this.lines.length;
    this.draft = '';
  }

  move(event, step) {
    const to = this.at + step;
    if (to < 0 || to > this.lines.length) return;
    event.preventDefault();
    if (this.at === this.lines.length) this.draft = this.input.value;
    this.at = to;
    this.input.value = to === this.lines.length ? this.draft : this.lines[to];
    this.input.setSelectionRange(this.input.value.length, this.input.value.length);
  }
}
