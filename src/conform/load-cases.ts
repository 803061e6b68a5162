/** Loads every case that `conform` can run, and their steps in words: on demand, as they define hundreds of payloads. */
export const loadConformCases = () => import('./cases/index.ts');
