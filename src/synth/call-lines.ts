import type { Address } from '../base/index.ts';
import { CALL_BEGINS, CALL_ENDS, CALL_PAYLOAD_NAME } from './call-payload.ts';

/** Xen's lines about the payload. One may follow an unfinished line directly, with its level in between. */
const OWN = new RegExp(`^(.*?)(?:<\\d>)?livepatch: ${CALL_PAYLOAD_NAME}(?:: | )(.*)$`, 's');
const BEGINS = new RegExp(`^(.*?)(?:<\\d>)?${CALL_BEGINS}((?:[0-9a-f]{8}){1,2})$`, 's');
const ENDS = new RegExp(`^(.*?)(?:<\\d>)?${CALL_ENDS}$`, 's');

/** The console lines of a call, without those about the payload that makes it. */
export class CallLines {
  readonly #kept: string[] = [];
  readonly #own: string[] = [];
  #inside = false;
  /** Address of the payload's data; `null` before the call begins. */
  dataAddress: Address | null = null;

  add(lines: readonly string[]): void {
    for (const line of lines) this.#add(line);
  }

  /** Returns `: ` and the last line about the payload, or an empty text. */
  reason(): string {
    const last = this.#own.at(-1);
    return last === undefined ? '' : `: ${last}`;
  }

  /** Returns the lines for the caller. */
  finish(): readonly string[] {
    return this.#kept;
  }

  #add(line: string): void {
    const begins = this.dataAddress === null ? BEGINS.exec(line) : null;
    const ends = this.#inside ? ENDS.exec(line) : null;
    const own = this.#inside ? null : OWN.exec(line);
    if (begins !== null) {
      this.dataAddress = BigInt(`0x${begins[2]}`);
      this.#inside = true;
    } else if (ends !== null) this.#inside = false;
    else if (own !== null) this.#own.push(own[2] ?? '');
    const found = begins ?? ends ?? own;
    const kept = found === null ? line : (found[1] ?? '');
    // Text in front of the payload's own line is an unfinished line, or dprintk's prefix.
    if (found === null || (kept !== '' && !/^\S+\.c:\d+: $/.test(kept))) this.#kept.push(kept);
  }
}
