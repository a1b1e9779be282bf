import { render } from 'preact';
import { useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { checked } from '../src/protocol/check.js';
import { asAnswer } from '../src/protocol/check.js';
import { Observable, switchMap, bufferTime, scan } from 'rxjs';
function App() { const [a, set] = useState(0); return <p onClick={() => set(a+1)}>{a}{String(new uPlot({width:1,height:1,series:[]}))}{String(asAnswer)}{String(new Observable().pipe(switchMap(() => []), bufferTime(3), scan(() => 1)))}</p>; }
render(<App />, document.getElementById('app') as HTMLElement);
