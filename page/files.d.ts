/** Files that the bundler takes and TypeScript does not know. */
declare module '*.css';
