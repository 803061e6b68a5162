// Loaded before a program (`node --require`): tells on file descriptor 3 how much memory it had at most, in KiB.
'use strict';

const { readFileSync, writeSync } = require('node:fs');

/** The kernel's own mark where it tells: `maxRSS` starts at what the process had that started this one. */
function peak() {
  try {
    const mark = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    if (mark !== null) return Number(mark[1]);
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS;
}

process.on('exit', () => {
  writeSync(3, String(peak()));
});
