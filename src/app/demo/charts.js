/* The two charts, drawn on canvas: throughput of the last minute (received upwards, sent downwards)
 * and the last round trips. Colours and fonts come from the style sheet, so that a theme is one place. */

import { BUCKET_MS, WINDOW_MS } from './meter.js';
import { formatMs, formatRate } from './format.js';

const RTT_DOTS = 60;
const FLOOR_RATE = 1024; // bytes a second: a scale below that would blow a keystroke up to a peak
const FLOOR_RTT_MS = 2;
const BAR_MIN_PX = 2; // a keystroke beside a flood can still be seen
const LABELS_MIN_PX = 420; // narrower: the first time label would lie under the scale's

/** Prepares the canvas for one drawing: its size in CSS pixels, sharp on dense screens. */
function begin(canvas) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const density = window.devicePixelRatio || 1;
  const pixelWidth = Math.round(width * density);
  const pixelHeight = Math.round(height * density);
  if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
    canvas.width = pixelWidth;
    canvas.height = pixelHeight;
  }
  const pen = canvas.getContext('2d');
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = '11px system-ui, sans-serif';
  return { pen, width, height };
}

/** The smallest of 1, 2, 5 x 10^n that holds `value`. */
function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value);
  return step * power;
}

/** The same in powers of 1024, so that the labels are round. */
function niceRate(value) {
  let unit = 1;
  while (value / unit >= 1000) unit *= 1024;
  return niceCeiling(Math.max(value, 1) / unit) * unit;
}

export class Charts {
  constructor(throughputCanvas, rttCanvas) {
    this.throughputCanvas = throughputCanvas;
    this.rttCanvas = rttCanvas;
    this.scale = { up: FLOOR_RATE, down: FLOOR_RATE };
    this.readColours();
  }

  /** After a change of theme. */
  readColours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = {
      up: colour('up'), down: colour('down'), grid: colour('line'), text: colour('muted'), accent: colour('accent'),
    };
  }

  drawThroughput(meter, now) {
    const { pen, width, height } = begin(this.throughputCanvas);
    const axisY = Math.round(height * 0.6);
    const labelHeight = 16;
    this.drawTimeGrid(pen, width, height, axisY);
    this.drawRates(pen, { meter, now, direction: 'down', width, from: axisY, reach: axisY - labelHeight, sign: -1 });
    this.drawRates(pen, { meter, now, direction: 'up', width, from: axisY, reach: height - axisY - labelHeight, sign: 1 });
    pen.textAlign = 'left';
    pen.fillStyle = this.colours.down;
    pen.fillText(`↓ to ${formatRate(this.scale.down)}`, 2, 11);
    pen.fillStyle = this.colours.up;
    pen.fillText(`↑ to ${formatRate(this.scale.up)}`, 2, height - 4);
  }

  drawTimeGrid(pen, width, height, axisY) {
    pen.strokeStyle = this.colours.grid;
    pen.lineWidth = 1;
    pen.beginPath();
    for (let seconds = 15; seconds < WINDOW_MS / 1000; seconds += 15) {
      const x = Math.round(width * (1 - seconds / (WINDOW_MS / 1000))) + 0.5;
      pen.moveTo(x, 0);
      pen.lineTo(x, height);
    }
    pen.moveTo(0, axisY + 0.5);
    pen.lineTo(width, axisY + 0.5);
    pen.stroke();
    pen.fillStyle = this.colours.text;
    pen.textAlign = 'center';
    for (const seconds of width < LABELS_MIN_PX ? [30, 15] : [45, 30, 15]) {
      pen.fillText(`−${seconds} s`, width * (1 - seconds / 60), height - 4);
    }
  }

  /** One direction as bars from the axis, on a scale of its own. The bars slide left with time; the
   * newest grows at the right edge. */
  drawRates(pen, { meter, now, direction, width, from, reach, sign }) {
    const rates = meter.history(direction, now);
    const top = niceRate(Math.max(FLOOR_RATE, ...rates));
    this.scale[direction] = top;
    const step = width * (BUCKET_MS / WINDOW_MS);
    const slide = ((now % BUCKET_MS) / BUCKET_MS) * step;
    pen.fillStyle = this.colours[direction];
    rates.forEach((rate, i) => {
      if (rate === 0) return;
      const height = Math.max(BAR_MIN_PX, reach * (rate / top));
      const left = width - slide - (rates.length - 1 - i) * step;
      pen.fillRect(left, sign < 0 ? from - height : from + 1, Math.min(step * 0.8, width - left), height);
    });
  }

  drawRoundTrips(roundTrips, p50) {
    const { pen, width, height } = begin(this.rttCanvas);
    const shown = roundTrips.slice(-RTT_DOTS);
    pen.strokeStyle = this.colours.grid;
    pen.lineWidth = 1;
    pen.strokeRect(0.5, 0.5, width - 1, height - 1);
    if (shown.length === 0) {
      pen.fillStyle = this.colours.text;
      pen.textAlign = 'center';
      pen.fillText('Send a line to measure', width / 2, height / 2 + 4);
      return;
    }
    const top = niceCeiling(Math.max(FLOOR_RTT_MS, ...shown) * 1.05);
    const inset = 6;
    const y = (ms) => height - inset - (height - 2 * inset - 10) * (ms / top);
    const x = (i) => (shown.length === 1 ? width - inset : inset + ((width - 2 * inset) * i) / (shown.length - 1));

    pen.setLineDash([4, 4]);
    pen.strokeStyle = this.colours.text;
    pen.beginPath();
    pen.moveTo(0, y(p50));
    pen.lineTo(width, y(p50));
    pen.stroke();
    pen.setLineDash([]);

    pen.strokeStyle = this.colours.accent;
    pen.lineWidth = 1.5;
    pen.beginPath();
    shown.forEach((ms, i) => pen.lineTo(x(i), y(ms)));
    pen.stroke();
    pen.fillStyle = this.colours.accent;
    shown.forEach((ms, i) => {
      pen.beginPath();
      pen.arc(x(i), y(ms), i === shown.length - 1 ? 3.5 : 1.8, 0, 2 * Math.PI);
      pen.fill();
    });
    pen.fillStyle = this.colours.text;
    pen.textAlign = 'left';
    pen.fillText(`to ${formatMs(top)}`, 6, 13);
  }
}
