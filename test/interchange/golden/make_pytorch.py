"""Small files by real PyTorch 1.13 (Debian's python3-torch), for the reader's tests where there is none.

Run `/usr/bin/python3 test/interchange/golden/make_pytorch.py`; the same PyTorch writes the same numbers.
"""
import json
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

folder = Path(__file__).parent
torch.manual_seed(7)


class CharRnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(6, 3)
        self.rnn = nn.GRU(3, 4, 2)
        self.decoder = nn.Linear(4, 6)

    def forward(self, ids):
        return self.decoder(self.rnn(self.encoder(ids))[0])


model = CharRnn()
ids = torch.tensor([[0, 5], [1, 4], [2, 3], [3, 2]])
state = OrderedDict((name, value.clone()) for name, value in model.state_dict().items())
torch.save(state, folder / 'char-rnn.pt')
torch.save(OrderedDict(('module.' + name, value) for name, value in state.items()), folder / 'prefixed.pth')
# As programs keep a training: numbers, lists and an optimizer beside the weights; a later pickle protocol, strided tensors.
strided = OrderedDict((name, value.t().contiguous().t() if value.dim() == 2 else value) for name, value in state.items())
optimizer = torch.optim.Adam(model.parameters())
model(ids).sum().backward()
optimizer.step()
torch.save(
    {'epoch': 3, 'best': -0.5, 'large': 2**70, 'args': [None, True, 'x', (1, 2)], 'state_dict': strided, 'optimizer': optimizer.state_dict()},
    folder / 'training.pt',
    pickle_protocol=4,
)
model.load_state_dict(state)
torch.save(OrderedDict((name, nn.Parameter(value)) for name, value in state.items()), folder / 'parameters.pt')

lone = nn.Linear(3, 2)
lone.weight.data = torch.tensor([[1.5, -2.0, 0.25], [0.0, 65504.0, -0.125]])
lone.bias.data = torch.tensor([2.0**-24, -1.0])
for kind in ('half', 'bfloat16', 'double', 'long'):
    torch.save(OrderedDict((name, getattr(value, kind)()) for name, value in lone.state_dict().items()), folder / f'{kind}.pt')
torch.save(lone, folder / 'whole-module.pt')
torch.save(lone.state_dict(), folder / 'old.pt', _use_new_zipfile_serialization=False)
torch.save([1, 2], folder / 'a-list.pt')
# One number that says that it is many.
torch.save(OrderedDict(weight=torch.ones(1).expand(2, 3), bias=torch.ones(2)), folder / 'expanded.pt')

# The same archive, deflated: PyTorch reads it.
with zipfile.ZipFile(folder / 'char-rnn.pt') as source, zipfile.ZipFile(folder / 'deflated.pt', 'w', zipfile.ZIP_DEFLATED) as target:
    for info in source.infolist():
        target.writestr(zipfile.ZipInfo(info.filename), source.read(info), zipfile.ZIP_DEFLATED)
assert torch.load(folder / 'deflated.pt').keys() == state.keys()


def safetensors(named, path):
    kinds = {torch.float32: 'F32', torch.float16: 'F16', torch.float64: 'F64'}
    header, data = {}, b''
    for name, value in named.items():
        part = value.contiguous().numpy().tobytes()
        header[name] = {'dtype': kinds[value.dtype], 'shape': list(value.shape), 'data_offsets': [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack('<Q', len(text)) + text + data)


safetensors(OrderedDict((name, value.half()) for name, value in lone.state_dict().items()), folder / 'half.safetensors')

outputs = model(ids)
facts = {'ids': ids.tolist(), 'outputs': {'shape': list(outputs.shape), 'data': outputs.flatten().tolist()}}
(folder / 'char-rnn.json').write_text(json.dumps(facts) + '\n')
