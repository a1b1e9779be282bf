import { render } from 'preact';
import './style.css';
import { App } from './app.js';
import { connect } from './live.js';

render(<App live={connect()} onToken={() => undefined} />, document.getElementById('app') as HTMLElement);
