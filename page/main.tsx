/** The page that a server serves: what its models learn, say, and are surprised by, while they do. */
import { render } from 'preact';
import { useState } from 'preact/hooks';
import './style.css';
import { App } from './app.js';
import { liveOf } from './live.js';
import { keepToken, tokenOfTab } from './token.js';

function Root() {
  const [live, setLive] = useState(() => liveOf(tokenOfTab()));
  return (
    <App
      live={live}
      onToken={(token) => {
        keepToken(token);
        live.client.close();
        setLive(liveOf(token));
      }}
    />
  );
}

render(<Root />, document.getElementById('app') as HTMLElement);
