/* Words and figures: bytes, rates, times and hex, as people read them. Pure functions. */

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** 1536 -> "1.50 KB"; three significant digits, powers of 1024 (as the service's K and M). */
export function formatBytes(bytes) {
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  if (unit === 0) return `${Math.round(value)} B`;
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

export function formatRate(bytesPerSecond) {
  return `${formatBytes(bytesPerSecond)}/s`;
}

export function formatCount(count, noun) {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Milliseconds with as many digits as a browser's clock is worth. */
export function formatMs(ms) {
  if (ms === null) return '–';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function formatClock(date) {
  const pad = (number, width) => String(number).padStart(width, '0');
  return `${pad(date.getHours(), 2)}:${pad(date.getMinutes(), 2)}:${pad(date.getSeconds(), 2)}` +
    `.${pad(date.getMilliseconds(), 3)}`;
}

/** Makes control characters visible, but those in `keep`. Their Unicode pictures are missing in many
 * fonts; an arrow and escapes are not. */
export function showControls(text, keep = '') {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => {
    if (keep.includes(c)) return c;
    return c === '\n' ? '↵' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The three columns of a hex dump: offsets, bytes, printable characters. */
export function hexDump(bytes, perLine) {
  const offsets = [];
  const hex = [];
  const chars = [];
  for (let start = 0; start < bytes.length; start += perLine) {
    const line = Array.from(bytes.subarray(start, start + perLine));
    offsets.push(start.toString(16).padStart(4, '0'));
    hex.push(line.map((byte, i) => (i === perLine / 2 ? ' ' : '') + byte.toString(16).padStart(2, '0')).join(' '));
    chars.push(line.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join(''));
  }
  return { offsets: offsets.join('\n'), hex: hex.join('\n'), chars: chars.join('\n') };
}
