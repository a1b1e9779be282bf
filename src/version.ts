/** The package's version, which files say that they were written by. */
export const version = '0.1.0';
