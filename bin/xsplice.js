#!/usr/bin/env node
// The program's entry. CommonJS (see package.json beside this file), because Node starts an ES module several
// milliseconds later; and compiled from V8's code cache, which the build makes beside the bundle. A cache of another
// V8 is refused by V8 itself, and the bundle is then compiled as usual.
'use strict';

const { fstatSync, readFileSync, writeSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const bundle = join(__dirname, '../dist/cli/xsplice.cjs');

/** @typedef {import('../src/cli/io.ts').CliIo} CliIo */
/** @typedef {{ main(argv: readonly string[], io: CliIo): Promise<number> }} Bundle */

/** @param {string} path */
function readOrUndefined(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/**
 * The bundle's exports, and the script they came from; `undefined` where there is no bundle.
 *
 * @returns {{ script: Script, exports: Bundle } | undefined}
 */
function load() {
  // The bundle is ASCII: latin1 needs no decoding.
  const source = readOrUndefined(bundle)?.toString('latin1');
  if (source === undefined) return undefined;
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: bundle,
    cachedData: readOrUndefined(`${bundle}.cache`),
  });
  const module = { exports: /** @type {Bundle} */ ({}) };
  script.runInThisContext()(module.exports, require, module, bundle, dirname(bundle));
  return { script, exports: module.exports };
}

/**
 * Where output goes once a pipe was full: what follows has to wait for what is in the stream.
 *
 * @type {Map<1 | 2, NodeJS.WriteStream>}
 */
const slow = new Map();

/**
 * Writes at once, without the stream behind `process.stdout`, which takes time to set up. A pipe that is full and does
 * not wait gets the rest through the stream; one that nobody reads any more ends the program with the status that a
 * shell reports for SIGPIPE.
 *
 * @param {1 | 2} fd
 * @param {string} text
 */
function write(fd, text) {
  const stream = slow.get(fd);
  if (stream !== undefined) {
    stream.write(text);
    return;
  }
  const bytes = Buffer.from(text);
  let at = 0;
  try {
    while (at < bytes.length) at += writeSync(fd, bytes, at);
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === 'EPIPE') process.exit(141);
    if (code !== 'EAGAIN') throw error;
    const rest = fd === 1 ? process.stdout : process.stderr;
    slow.set(fd, rest);
    rest.write(bytes.subarray(at));
  }
}

/**
 * Is this a terminal? Asked of `node:tty` only where it can be one: that module loads Node's network.
 *
 * @param {1 | 2} fd
 */
function isTerminal(fd) {
  try {
    return fstatSync(fd).isCharacterDevice() && require('node:tty').isatty(fd);
  } catch {
    // Closed by whoever started us.
    return false;
  }
}

/** @type {CliIo} */
const io = {
  stdout: (text) => write(1, text),
  stderr: (text) => write(2, text),
  get isTTY() {
    return isTerminal(1);
  },
  get stderrIsTTY() {
    return isTerminal(2);
  },
  env: process.env,
  get columns() {
    return this.isTTY ? process.stdout.columns : undefined;
  },
  get cwd() {
    return process.cwd();
  },
};

function run() {
  const loaded = load();
  if (loaded === undefined) {
    write(2, `xsplice: ${bundle} is missing. Run \`npm run build\` in ${join(__dirname, '..')} first.\n`);
    process.exitCode = 2;
    return;
  }
  loaded.exports.main(process.argv.slice(2), io).then((status) => {
    process.exitCode = status;
  });
}

if (require.main === module) run();

module.exports = { bundle, load };
