/* What is measured: totals and rates each way, and round-trip times. Knows no DOM; times are
 * milliseconds of performance.now(). */

export const BUCKET_MS = 500;
export const WINDOW_MS = 60000;
const BUCKETS = WINDOW_MS / BUCKET_MS + 2; // the one that fills, and one that slides out

/** Two messages in so short a time that nobody asked for are a stream (a count, a flood): the next
 * message can't be told to be an answer, and nothing is measured. One alone is a greeting or a chat. */
const STREAM_MS = 300;
const ROUND_TRIPS_KEPT = 120;

export class Meter {
  constructor() {
    this.reset();
  }

  reset() {
    this.up = { bytes: 0, frames: 0 };
    this.down = { bytes: 0, frames: 0 };
    this.buckets = { up: new Float64Array(BUCKETS), down: new Float64Array(BUCKETS) };
    this.newest = -1; // number of the newest bucket since the page began
    this.roundTrips = [];
    this.askedAt = null;
    this.unaskedAt = [-Infinity, -Infinity]; // the last two
  }

  /** A message in `direction` of `length` payload bytes. */
  count(direction, length, now) {
    const total = this[direction];
    total.bytes += length;
    total.frames++;
    this.advance(now);
    this.buckets[direction][this.newest % BUCKETS] += length;
  }

  /** A line was sent whose answer comes back at once; returns whether it is being timed. */
  asked(now) {
    if (this.askedAt !== null || now - this.unaskedAt[0] < STREAM_MS) return false;
    this.askedAt = now;
    return true;
  }

  /** A message came: the answer to the line that is being timed, or nobody asked for it. */
  answered(now) {
    if (this.askedAt === null) {
      this.unaskedAt = [this.unaskedAt[1], now];
      return;
    }
    this.roundTrips.push(now - this.askedAt);
    if (this.roundTrips.length > ROUND_TRIPS_KEPT) this.roundTrips.shift();
    this.askedAt = null;
  }

  /** Nothing that was asked will be answered any more. */
  forgetQuestion() {
    this.askedAt = null;
    this.unaskedAt = [-Infinity, -Infinity]; // the last two
  }

  /** {last, p50, best, worst} in ms, null where nothing was measured. */
  roundTripFigures() {
    if (this.roundTrips.length === 0) return { last: null, p50: null, best: null, worst: null };
    const sorted = [...this.roundTrips].sort((a, b) => a - b);
    return {
      last: this.roundTrips[this.roundTrips.length - 1],
      p50: sorted[Math.floor((sorted.length - 1) / 2)],
      best: sorted[0],
      worst: sorted[sorted.length - 1],
    };
  }

  /** Bytes a second over the last whole second. */
  rate(direction, now) {
    this.advance(now);
    const perSecond = 1000 / BUCKET_MS;
    let sum = 0;
    for (let back = 1; back <= perSecond; back++) sum += this.bucket(direction, this.newest - back);
    return sum;
  }

  /** Bytes a second of each bucket, oldest first; the last one is still filling. */
  history(direction, now) {
    this.advance(now);
    const rates = new Float64Array(BUCKETS);
    for (let i = 0; i < BUCKETS; i++) {
      rates[i] = this.bucket(direction, this.newest - BUCKETS + 1 + i) * (1000 / BUCKET_MS);
    }
    return rates;
  }

  bucket(direction, number) {
    return number < 0 ? 0 : this.buckets[direction][number % BUCKETS];
  }

  advance(now) {
    const number = Math.floor(now / BUCKET_MS);
    for (let next = Math.max(this.newest + 1, number - BUCKETS + 1); next <= number; next++) {
      this.buckets.up[next % BUCKETS] = 0;
      this.buckets.down[next % BUCKETS] = 0;
    }
    this.newest = Math.max(this.newest, number);
  }
}
