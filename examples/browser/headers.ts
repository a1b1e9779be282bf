/** What the page is served with. */
export const headers = (isolated: boolean): Readonly<Record<string, string>> => ({
  ...(isolated && {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
  }),
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    'worker-src blob:',
    "style-src 'self'",
    'img-src data:',
  ].join('; '),
});
