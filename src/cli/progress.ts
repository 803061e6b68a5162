import { displayText } from '../report/index.ts';
import type { CliIo } from './io.ts';

/** Work that is done sooner shows no progress. */
const PATIENCE_MS = 200;

export interface Progress {
  /** Says what is being done, in one line that replaces the one before. */
  readonly show: (doing: string) => void;
  /** Takes the line away. */
  readonly clear: () => void;
}

/** A progress line on standard error where that is a terminal; nothing at all elsewhere. */
export function startProgress(io: CliIo): Progress {
  if (!io.stderrIsTTY) return { show: () => undefined, clear: () => undefined };
  const start = performance.now();
  let shown = false;
  return {
    show: (doing) => {
      if (performance.now() - start < PATIENCE_MS) return;
      shown = true;
      const room = Math.max((io.columns || 80) - 1, 1);
      io.stderr(`\r\x1b[K${displayText(doing).slice(0, room)}`);
    },
    clear: () => {
      if (shown) io.stderr('\r\x1b[K');
      shown = false;
    },
  };
}
