// The first process of dom0, run by node: mounts what there has to be, inserts the module for hypercalls, runs the commands
// of /commands.json one after the other, prints what came of each in base64, and switches the machine off.
'use strict';

const { closeSync, openSync, readFileSync, renameSync, writeSync } = require('node:fs');
const { spawnSync } = require('node:child_process');
const { createRequire } = require('node:module');

/** @type {typeof import('koffi')} */
const koffi = createRequire('/app/bin/')('koffi');

const libc = koffi.load('libc.so.6');
const mount = libc.func(
  'int mount(const char *from, const char *to, const char *type, unsigned long flags, void *data)',
);
const finitModule = libc.func('long syscall(long number, int file, const char *options, int flags)');
const reboot = libc.func('int reboot(int how)');

/** Numbers of x86-64 Linux: finit_module(2), and LINUX_REBOOT_CMD_POWER_OFF of reboot(2). */
const SYS_FINIT_MODULE = 313;
const POWER_OFF = 0x4321fedc;

/** @param {string} text */
const print = (text) => {
  writeSync(1, `${text}\n`);
};

/** @param {string} path */
const insert = (path) => {
  const file = openSync(path, 'r');
  const result = finitModule(SYS_FINIT_MODULE, file, '', 0);
  closeSync(file);
  if (result !== 0) throw new Error(`${path}: errno ${koffi.errno()}`);
};

/** @param {string} path */
const textOf = (path) => {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
};

/** @param {import('./dom0.ts').Dom0Command} command */
function perform({ run, hide, uid, insmod, env }) {
  if (insmod !== undefined) insert(insmod);
  if (run === undefined) return { status: null, stdout: '', stderr: '', ms: 0 };
  const [program = '', ...args] = run;
  if (hide !== undefined) renameSync(hide, `${hide}.hidden`);
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: '/t',
    env: { PATH: '/bin', ...env },
    encoding: 'latin1',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const ms = Number((process.hrtime.bigint() - start) / 1_000_000n);
  if (hide !== undefined) renameSync(`${hide}.hidden`, hide);
  return { status, stdout, stderr, ms };
}

function main() {
  for (const [type, folder] of [
    ['proc', '/proc'],
    ['sysfs', '/sys'],
    ['devtmpfs', '/dev'],
  ]) {
    if (mount(type, folder, type, 0, null) !== 0) throw new Error(`${folder}: errno ${koffi.errno()}`);
  }
  /** @type {import('./dom0.ts').Dom0Command[]} */
  const commands = JSON.parse(readFileSync('/commands.json', 'utf8'));
  for (const command of commands) {
    const result = { ...perform(command), extra: textOf('/sys/hypervisor/version/extra') };
    // Lines that no console folds or garbles.
    const text = Buffer.from(JSON.stringify(result)).toString('base64');
    for (let at = 0; at < text.length; at += 64) print(`@+${text.slice(at, at + 64)}`);
    print('@.');
  }
}

try {
  main();
} catch (error) {
  print(`@!${/** @type {Error} */ (error).message}`);
}
reboot(POWER_OFF);
