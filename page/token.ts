/** The token of a server that asks for one: from the address's fragment, which is not sent anywhere, or typed; kept until the tab is closed. */
const KEY = 'oxbow-token';

export function keepToken(token: string): void {
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // A browser may keep nothing; then it is typed again.
  }
}

export function tokenOfTab(): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given !== null) {
    keepToken(given);
    history.replaceState(null, '', location.pathname + location.search);
    return given;
  }
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}
