import { displayText } from '../report/index.ts';
import type { CliIo } from './io.ts';

/** Delay before the first progress line. */
const PATIENCE_MS = 200;

export interface Progress {
  /** Replaces the progress line. */
  readonly show: (doing: string) => void;
  /** Removes the progress line. */
  readonly clear: () => void;
}

/** Shows progress on standard error if that is a terminal. */
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
      // The first step may be the slow one, and nothing may call `show` again.
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
