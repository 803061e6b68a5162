import { XspliceError } from '../base/index.ts';

/** The exports of koffi. */
export type Koffi = typeof import('koffi').default;

/** Loads koffi. Throws an XspliceError (ETOOL) if it is missing or does not work on this machine. */
export async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    const hint = 'It is an optional dependency of xsplice: npm install koffi@3.3.4';
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
      throw new XspliceError('ETOOL', 'the npm package koffi, which calls native libraries, is not installed', hint);
    }
    throw new XspliceError('ETOOL', `cannot load the npm package koffi: ${message.split('\n', 1)[0]}`, hint);
  }
}
