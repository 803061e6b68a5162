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
  let latest = '';
  let timer: NodeJS.Timeout | undefined;
  const write = (): void => {
    shown = true;
    const room = Math.max((io.columns || 80) - 1, 1);
    io.stderr(`\r\x1b[K${displayText(latest).slice(0, room)}`);
  };
  return {
    show: (doing) => {
      latest = doing;
      const early = PATIENCE_MS - (performance.now() - start);
      if (early <= 0) write();
      // What takes long may be the first thing that is done, and the last that is told.
      else timer ??= setTimeout(write, early).unref();
    },
    clear: () => {
      clearTimeout(timer);
      timer = undefined;
      if (shown) io.stderr('\r\x1b[K');
      shown = false;
    },
  };
}
