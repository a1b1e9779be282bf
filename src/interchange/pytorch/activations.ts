/** Activations as expressions of PyTorch. */
import { isRecord } from '../../checks.js';

/** The name of what a description has for an activation; undefined where there is none. */
export function activationName(choice: unknown): string | undefined {
  if (choice === undefined) return undefined;
  const name = isRecord(choice) ? String(choice.$).replace(/^activations\./, '') : String(choice);
  return name === 'sigmoid' ? 'logistic' : name;
}

const numberOf = (choice: unknown, usual: number): number => {
  const [first] = isRecord(choice) && Array.isArray(choice.args) ? choice.args : [];
  return typeof first === 'number' ? first : usual;
};

/** Python for it, of an expression; undefined where PyTorch has none of the kind. */
export function activationOf(choice: unknown, z: string): string | undefined {
  const expressions: Readonly<Record<string, string>> = {
    logistic: `torch.sigmoid(${z})`,
    tanh: `torch.tanh(${z})`,
    relu: `F.relu(${z})`,
    leakyRelu: `F.leaky_relu(${z}, ${numberOf(choice, 0.01)})`,
    elu: `F.elu(${z}, ${numberOf(choice, 1)})`,
    softplus: `F.softplus(${z})`,
    gelu: `F.gelu(${z})`,
    geluTanh: `F.gelu(${z}, approximate='tanh')`,
    softmax: `F.softmax(${z}, -1)`,
  };
  const name = activationName(choice) as string;
  return Object.hasOwn(expressions, name) ? expressions[name] : undefined;
}
