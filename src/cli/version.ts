/** Version of the package; a test holds it to package.json. Reading that file at run time would cost every start. */
export const VERSION = '0.1.0';
