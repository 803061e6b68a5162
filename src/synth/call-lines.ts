import type { Address } from '../base/index.ts';
import { CALL_BEGINS, CALL_ENDS, CALL_PAYLOAD_NAME } from './call-payload.ts';

/** Xen's lines about the payload. One of them may be glued to a line that was not ended, its level in between. */
const OWN = new RegExp(`^(.*?)(?:<\\d>)?livepatch: ${CALL_PAYLOAD_NAME}(?:: | )(.*)$`, 's');
const BEGINS = new RegExp(`^(.*?)(?:<\\d>)?${CALL_BEGINS}((?:[0-9a-f]{8}){1,2})$`, 's');
const ENDS = new RegExp(`^(.*?)(?:<\\d>)?${CALL_ENDS}$`, 's');

/** The console lines around a call, without those that are about the payload that makes it. */
export class CallLines {
  readonly #kept: string[] = [];
  readonly #own: string[] = [];
  #inside = false;
  /** Where the payload's data is; `null` where the call has not begun. */
  dataAddress: Address | null = null;

  add(lines: readonly string[]): void {
    for (const line of lines) this.#add(line);
  }

  /** `: ` and the last line about the payload, or nothing. */
  reason(): string {
    const last = this.#own.at(-1);
    return last === undefined ? '' : `: ${last}`;
  }

  /** What is left for the caller. */
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
    // Of a line of the payload's own, what is in front was never ended; or dprintk has put it there.
    if (found === null || (kept !== '' && !/^\S+\.c:\d+: $/.test(kept))) this.#kept.push(kept);
  }
}
