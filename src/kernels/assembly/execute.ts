import { Job } from '../jobs';
import { attention, attentionAdjoint } from './attention';
import { batchedGemm } from './batched';
import { chain, chainAdjoint, chainPowers, chainTransitions } from './chain';
import {
  convolution, convolutionInputAdjoint, convolutionWeightsAdjoint, pad,
} from './convolution';
import { affine, bernoulli, binary, copyBlock, fill, swapAxes, unary } from './elementwise';
import { fail } from './fail';
import { gemm } from './gemm';
import { layerNorm, layerNormAdjoint, layerNormSums } from './layer-norm';
import { freeOfPanel, orthonormalPanel } from './orthonormal';
import { pack } from './pack';
import { maxPooling, maxPoolingAdjoint, meanPooling, meanPoolingAdjoint } from './pooling';
import { gruBackward, gruForward } from './recurrent/gru';
import { lstmBackward, lstmForward } from './recurrent/lstm';
import { rnnBackward, rnnForward } from './recurrent/simple-rnn';
import { sumBlocks, sumFinish, sumRows, sumTrailing } from './reduce';
import { sample } from './sample';
import { crossEntropy, crossEntropyAdjoint, softmax, softmaxAdjoint } from './softmax';
import { squares, update } from './spans';
import { straggle } from './straggle';
import { countFrom, gather, oneHot, scatterAdd } from './table';
import { transpose } from './transpose';

/** Items `from` to `to` of a job, on the thread that calls. */
export function execute(job: i32, args: usize, from: i32, to: i32, member: i32): void {
  switch (job) {
    case Job.gemm: return gemm(args, from, to, member);
    case Job.batchedGemm: return batchedGemm(args, from, to, member);
    case Job.pack: return pack(args, from, to);
    case Job.unary: return unary(args, from, to);
    case Job.affine: return affine(args, from, to);
    case Job.binary: return binary(args, from, to);
    case Job.copyBlock: return copyBlock(args, from, to);
    case Job.fill: return fill(args, from, to);
    case Job.bernoulli: return bernoulli(args, from, to);
    case Job.sumTrailing: return sumTrailing(args, from, to);
    case Job.sumRows: return sumRows(args, from, to);
    case Job.sumBlocks: return sumBlocks(args, from, to);
    case Job.sumFinish: return sumFinish(args);
    case Job.gather: return gather(args, from, to);
    case Job.scatterAdd: return scatterAdd(args, from, to);
    case Job.softmax: return softmax(args, from, to, member);
    case Job.softmaxAdjoint: return softmaxAdjoint(args, from, to, member);
    case Job.crossEntropy: return crossEntropy(args, from, to, member);
    case Job.crossEntropyAdjoint: return crossEntropyAdjoint(args, from, to, member);
    case Job.sample: return sample(args, from, to);
    case Job.squares: return squares(args, from, to, member);
    case Job.update: return update(args, from, to, member);
    case Job.lstmForward: return lstmForward(args, from, to, member);
    case Job.lstmBackward: return lstmBackward(args, from, to, member);
    case Job.gruForward: return gruForward(args, from, to, member);
    case Job.gruBackward: return gruBackward(args, from, to, member);
    case Job.rnnForward: return rnnForward(args, from, to, member);
    case Job.rnnBackward: return rnnBackward(args, from, to, member);
    case Job.convolution: return convolution(args, from, to, member);
    case Job.convolutionInputAdjoint: return convolutionInputAdjoint(args, from, to, member);
    case Job.convolutionWeightsAdjoint: return convolutionWeightsAdjoint(args, from, to, member);
    case Job.pad: return pad(args, from, to);
    case Job.maxPooling: return maxPooling(args, from, to);
    case Job.maxPoolingAdjoint: return maxPoolingAdjoint(args, from, to);
    case Job.meanPooling: return meanPooling(args, from, to);
    case Job.meanPoolingAdjoint: return meanPoolingAdjoint(args, from, to);
    case Job.oneHot: return oneHot(args, from, to);
    case Job.attention: return attention(args, from, to, member);
    case Job.attentionAdjoint: return attentionAdjoint(args, from, to, member);
    case Job.layerNorm: return layerNorm(args, from, to);
    case Job.layerNormAdjoint: return layerNormAdjoint(args, from, to);
    case Job.layerNormSums: return layerNormSums(args, from, to);
    case Job.swapAxes: return swapAxes(args, from, to);
    case Job.countFrom: return countFrom(args, from, to);
    case Job.chainPowers: return chainPowers(args, from, to);
    case Job.chain: return chain(args, from, to, member);
    case Job.chainAdjoint: return chainAdjoint(args, from, to, member);
    case Job.chainTransitions: return chainTransitions(args, from, to);
    case Job.orthonormalPanel: return orthonormalPanel(args);
    case Job.freeOfPanel: return freeOfPanel(args, from, to, member);
    case Job.transpose: return transposeWhole(args);
    case Job.fail: return fail(args, member);
    case Job.straggle: return straggle(args, from, to, member);
  }
}

/** args: x [rows, columns], y [columns, rows], rows, columns. One item. */
function transposeWhole(args: usize): void {
  const rows = load<i32>(args, 8);
  const columns = load<i32>(args, 12);
  transpose(load<usize>(args), (<usize>columns) << 2, rows, columns, load<usize>(args, 4), (<usize>rows) << 2);
}
