import type { SeriesPlace } from './types.ts';

/** Parts of a mail's subject. */
export interface Subject {
  /** Without leading brackets. */
  readonly title: string;
  /** `Re:` or its equivalents in other languages. */
  readonly reply: boolean;
  /** Does a bracket contain PATCH? */
  readonly patch: boolean;
  readonly place?: SeriesPlace;
}

const REPLY = /^(?:re|aw|sv|antw|antwort)(?:\[\d{1,3}\])?:\s*/i;
const FORWARD = /^(?:fwd?|wg):\s*/i;
const BRACKET = /^\[([^\]]*)\]\s*/;

/** Parses `Re: [Xen-devel] [PATCH v2 3/7] x86: title`. Drops all leading brackets, like `git am`. */
export function readSubject(text: string): Subject {
  let rest = text.slice(0, 2000).trim();
  let [reply, patch] = [false, false];
  let version = 1;
  let count: readonly [number, number] | undefined;
  for (;;) {
    const bracket = BRACKET.exec(rest);
    if (bracket !== null) {
      const words = bracket[1] ?? '';
      patch ||= /\bPATCH\b/i.test(words);
      const versionWord = /(?:^|\W)v(\d{1,3})\b/i.exec(words) ?? /PATCHv(\d{1,3})\b/i.exec(words);
      if (versionWord !== null) version = Number(versionWord[1]);
      const countWord = /(?:^|\D)(\d{1,4})\/(\d{1,4})(?:$|\D)/.exec(words);
      if (countWord !== null) count = [Number(countWord[1]), Number(countWord[2])];
      patch ||= /PATCHv\d/i.test(words);
    } else if (REPLY.test(rest)) reply = true;
    else if (!FORWARD.test(rest)) break;
    rest = rest.replace(bracket !== null ? BRACKET : REPLY.test(rest) ? REPLY : FORWARD, '');
  }
  const title = rest === '' ? text.trim() : rest;
  if (count === undefined) return { title, reply, patch };
  return { title, reply, patch, place: { version, number: count[0], total: count[1] } };
}
