/** Every case that `conform` can run, and their steps in words. Loaded when they are asked for: hundreds of payloads are written down in them. */
export const loadConformCases = () => import('./cases/index.ts');
