import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { XspliceError } from '../base/index.ts';
import type { ScriptFiles } from '../run/index.ts';
import { toByteString } from './byte-string.ts';
import { fileError, IMAGE_CAP, PAYLOAD_CAP, readBounded } from './files.ts';

/** The folder that a scenario's files are in. Plain data, so that it can be handed to another thread. */
export interface ScenarioRoot {
  /** Without links. */
  readonly real: string;
  /** As the user named it. */
  readonly shown: string;
  /** Directory that relative paths start from. */
  readonly cwd: string;
}

/** A scenario's root, and its path below it. */
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
 * Where the scenario `file` may read: the folder that it is in, or `widened`. Throws an XspliceError: EFILE for a file that is not there, EUSAGE
 * where it is not below `widened`.
 */
export function placeScenario(file: string, widened: string | undefined, cwd: string): ScenarioPlace {
  const real = realPath(file, cwd);
  if (widened === undefined) {
    const folder = dirname(real);
    // A scenario that is a link has its files where it leads.
    const linked = realPath(dirname(resolve(cwd, file)), cwd) !== folder || basename(real) !== basename(file);
    return { root: { real: folder, shown: linked ? folder : dirname(file), cwd }, path: basename(real) };
  }
  const root = realPath(widened, cwd);
  if (!isBelow(real, root)) {
    throw new XspliceError('EUSAGE', `${file}: is not in ${widened}`, '--root has to hold the scenario itself');
  }
  return { root: { real: root, shown: widened, cwd }, path: relative(root, real).split(sep).join('/') };
}

const fromByteString = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The files below a root, for reading only. What a link leads to has to be below it, too. */
export function scenarioFiles({ real: root, shown, cwd }: ScenarioRoot): ScriptFiles {
  const named = (path: string): string => join(shown, path);
  const read = (bytePath: string, cap: number, what: string): Uint8Array => {
    const path = fromByteString(bytePath);
    const below = relative(root, realPath(join(root, path), cwd));
    if (isAbsolute(below) || below === '..' || below.startsWith(`..${sep}`)) {
      const hint = 'a scenario names files of its own folder; --root DIR widens that';
      throw new XspliceError('EFILE', `${named(path)}: leads out of the scenario's folder`, hint);
    }
    return readBounded(named(path), cwd, cap, what);
  };
  return {
    readText: async (path, cap) => {
      try {
        return UTF8.decode(read(path, cap, 'scenario'));
      } catch (error) {
        if (error instanceof XspliceError) throw error;
        throw new XspliceError('EFILE', `${named(fromByteString(path))}: is not text in UTF-8`);
      }
    },
    readBytes: async (path, what) => read(path, what === 'payload' ? PAYLOAD_CAP : IMAGE_CAP, what),
    name: (path) => toByteString(named(fromByteString(path))),
  };
}
