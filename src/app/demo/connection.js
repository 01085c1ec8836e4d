/* One WebSocket at a time, and every message of it as a frame record.
 *
 * A page sees messages, not frames. wsluice sends each message as one frame, and so do browsers for
 * what is sent here, so the two are the same thing on this connection.
 */

/** Payload bytes kept of each frame for the inspector; the rest only counts. */
export const KEPT_BYTES = 4096;

export const OPCODES = { text: 1, binary: 2, close: 8 };

const encoder = new TextEncoder();

function frameRecord(direction, opcode, bytes) {
  return {
    direction,
    opcode,
    time: new Date(),
    length: bytes.length,
    bytes: bytes.length > KEPT_BYTES ? bytes.slice(0, KEPT_BYTES) : bytes,
  };
}

function closeRecord(direction, code, reason) {
  const text = encoder.encode(reason);
  const bytes = new Uint8Array(code === 1005 ? 0 : 2 + text.length);
  if (bytes.length > 0) {
    bytes[0] = code >> 8;
    bytes[1] = code & 0xff;
    bytes.set(text, 2);
  }
  return { ...frameRecord(direction, 'close', bytes), code, reason };
}

export class Connection {
  /** listener: onState(state), onFrame(record, bytes), onClosed({code, reason, opened}).
   * States: 'closed', 'connecting', 'open', 'closing'. */
  constructor(listener) {
    this.listener = listener;
    this.socket = null;
    this.state = 'closed';
  }

  /** Throws what the browser thinks of a bad URL or subprotocol. Ends the connection that there is. */
  open(url, protocols) {
    const socket = new WebSocket(url, protocols);
    this.abandon();
    this.socket = socket;
    let opened = false;
    let sentClose = false;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      opened = true;
      this.setState('open');
    };
    socket.onmessage = ({ data }) => {
      const isText = typeof data === 'string';
      const bytes = isText ? encoder.encode(data) : new Uint8Array(data);
      this.listener.onFrame(frameRecord('down', isText ? 'text' : 'binary', bytes), bytes);
    };
    socket.onclose = ({ code, reason }) => {
      sentClose = this.state === 'closing';
      // 1006 stands for "no Close frame": there is none to show.
      if (code !== 1006) this.listener.onFrame(closeRecord('down', code, reason), new Uint8Array(0));
      if (code !== 1006 && !sentClose) this.listener.onFrame(closeRecord('up', code, ''), new Uint8Array(0));
      this.socket = null;
      this.setState('closed');
      this.listener.onClosed({ code, reason, opened, wanted: sentClose });
    };
    this.setState('connecting');
  }

  /** Sends one message; false when not connected. */
  send(text, mode) {
    if (this.state !== 'open') return false;
    const bytes = encoder.encode(text);
    this.socket.send(mode === 'text' ? text : bytes);
    this.listener.onFrame(frameRecord('up', mode, bytes), bytes);
    return true;
  }

  /** Starts the closing handshake with 1000; gives a connection up that was not made yet. */
  close() {
    if (this.state === 'open') {
      this.setState('closing');
      this.listener.onFrame(closeRecord('up', 1000, ''), new Uint8Array(0));
      this.socket.close(1000);
    } else if (this.state === 'connecting') {
      this.abandon();
      this.setState('closed');
    }
  }

  /** Bytes that send() took and the network did not yet. */
  get backlog() {
    return this.socket === null ? 0 : this.socket.bufferedAmount;
  }

  get protocol() {
    return this.socket === null ? '' : this.socket.protocol;
  }

  abandon() {
    if (this.socket === null) return;
    const { socket } = this;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.socket = null;
  }

  setState(state) {
    this.state = state;
    this.listener.onState(state);
  }
}
