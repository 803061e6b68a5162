// Loaded before a program (`node --require`): tells on file descriptor 3 how much memory it had at most, in KiB.
'use strict';

const { writeSync } = require('node:fs');

process.on('exit', () => {
  writeSync(3, String(process.resourceUsage().maxRSS));
});
