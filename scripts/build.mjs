// npm run build: makes dist/<room>/*.js with types for the subpath exports, and dist/cli/xsplice.cjs, the command line in one
// file, with V8's code cache beside it.
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT, run } from './steps.mjs';

const dist = join(ROOT, 'dist');
const bundle = join(dist, 'cli/xsplice.cjs');

rmSync(dist, { recursive: true, force: true });
if (run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']) !== 0) process.exit(1);

/**
 * Commander loads `node:child_process`, and with it Node's network, at every start, to support external subcommands. xsplice
 * has none; its own code loads the module on demand.
 *
 * @type {import('esbuild').Plugin}
 */
const withoutChildProcess = {
  name: 'without-child-process',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      /[\\/]node_modules[\\/]commander[\\/]/.test(importer) ? { path, namespace: 'left-out' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};

await build({
  absWorkingDir: ROOT,
  // The command line, and the entry of its threads.
  entryPoints: { xsplice: 'src/cli/main.ts', worker: 'src/cli/worker.ts' },
  outdir: join(dist, 'cli'),
  outExtension: { '.js': '.cjs' },
  bundle: true,
  // The path of a file, by which we find the threads' entry.
  define: { 'import.meta.filename': '__filename' },
  platform: 'node',
  target: 'node20',
  // CommonJS starts faster than an ES module, and can be compiled from a cache. Code behind `import()` is in the same file, but
  // runs only on demand.
  format: 'cjs',
  supported: { 'dynamic-import': false },
  charset: 'ascii',
  // Keep names, for XSPLICE_DEBUG=1.
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 120,
  plugins: [withoutChildProcess],
  // These stay packages, because they have files beside their code. They load on demand: for `inspect --disassemble`, `host`,
  // and threads.
  external: ['@alexaltea/capstone-js', 'koffi', 'tinypool', 'yaml', 'zod'],
  legalComments: 'none',
  logLevel: 'warning',
});

/**
 * V8's code cache contains the functions that ran before it was taken: those of these typical runs.
 *
 * @type {readonly (readonly string[])[]}
 */
const TYPICAL = [
  ['rehearse', 'examples/bin/hello.livepatch', '--xen', 'examples/bin/miniature-xen'],
  ['check', 'examples/bin/hello.livepatch', '--xen', 'examples/bin/miniature-xen'],
];

async function makeCodeCache() {
  /** @type {typeof import('../bin/xsplice.js')} */
  const { load } = createRequire(import.meta.url)('../bin/xsplice.js');
  const loaded = load();
  if (loaded === undefined) throw new Error(`${bundle} is missing`);
  for (const argv of TYPICAL) {
    /** @type {string[]} */
    const complaints = [];
    const status = await loaded.exports.main(argv, {
      stdout: () => {},
      stderr: (text) => {
        complaints.push(text);
      },
      isTTY: false,
      stderrIsTTY: false,
      env: {},
      columns: undefined,
      cwd: ROOT,
    });
    if (status !== 0) throw new Error(`xsplice ${argv.join(' ')} ended with status ${status}: ${complaints.join('')}`);
  }
  writeFileSync(`${bundle}.cache`, loaded.script.createCachedData());
}

await makeCodeCache();
