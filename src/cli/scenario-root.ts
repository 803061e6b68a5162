import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { ScriptFiles } from '../run/index.ts';
import { toByteString } from './byte-string.ts';
import { fileError, IMAGE_CAP, PAYLOAD_CAP, readBounded } from './files.ts';

/** The folder that a scenario may read from. Plain data: it can go to another thread. */
export interface ScenarioRoot {
  /** Path with links resolved. */
  readonly real: string;
  /** Path as the user gave it. */
  readonly shown: string;
  /** Directory that relative paths start from. */
  readonly cwd: string;
}

/** The root of a scenario, and its path relative to it. */
export interface ScenarioPlace {
  readonly root: ScenarioRoot;
  readonly path: string;
}

function realPath(path: string, cwd: string): string {
  if (path.includes('\0')) throw new XspliceError('EFILE', `${path}: no such file`);
  try {
    return realpathSync(resolve(cwd, path));
  } catch (error) {
    throw fileError(path, error);
  }
}

const isBelow = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

/**
 * Returns the folder that the scenario `file` may read from: its own, or `widened`. Throws an XspliceError: EFILE for a missing file, EUSAGE if
 * it is not below `widened`.
 */
export function placeScenario(file: string, widened: string | undefined, cwd: string): ScenarioPlace {
  const real = realPath(file, cwd);
  if (widened === undefined) {
    const folder = dirname(real);
    // A linked scenario reads files beside its target.
    const linked = realPath(dirname(resolve(cwd, file)), cwd) !== folder || basename(real) !== basename(file);
    return { root: { real: folder, shown: linked ? folder : dirname(file), cwd }, path: basename(real) };
  }
  const root = realPath(widened, cwd);
  if (!isBelow(real, root)) {
    throw new XspliceError(
      'EUSAGE',
      `${file}: not below --root ${widened}`,
      'choose a root that contains the scenario',
    );
  }
  return { root: { real: root, shown: widened, cwd }, path: relative(root, real).split(sep).join('/') };
}

const fromByteString = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Reads files below a root. The target of a link must be below it too. */
export function scenarioFiles({ real: root, shown, cwd }: ScenarioRoot): ScriptFiles {
  const named = (path: string): string => join(shown, path);
  const read = (bytePath: string, cap: number, what: string): Uint8Array => {
    const path = fromByteString(bytePath);
    const below = relative(root, realPath(join(root, path), cwd));
    if (isAbsolute(below) || below === '..' || below.startsWith(`..${sep}`)) {
      const hint = 'a scenario may read files below its own folder; use --root DIR for a wider one';
      throw new XspliceError('EFILE', `${named(path)}: is outside of the scenario's folder`, hint);
    }
    return readBounded(named(path), cwd, cap, what);
  };
  return {
    readText: async (path, cap) => {
      try {
        return UTF8.decode(read(path, cap, 'scenario'));
      } catch (error) {
        if (error instanceof XspliceError) throw error;
        throw new XspliceError('EFILE', `${named(fromByteString(path))}: not valid UTF-8`);
      }
    },
    readBytes: async (path, what) => read(path, what === 'payload' ? PAYLOAD_CAP : IMAGE_CAP, what),
    name: (path) => toByteString(named(fromByteString(path))),
  };
}
