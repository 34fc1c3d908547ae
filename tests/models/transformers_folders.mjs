/**
 * Folders as transformers.js reads them: configurations, tokenizers with small vocabularies, and the models of
 * tiny_transformers.mjs in float32 (`model.onnx`), dynamic int8 (`model_quantized.onnx`) and int4 in blocks (`model_q4.onnx`).
 */
import fs from 'node:fs';
import path from 'node:path';
import * as tiny from './tiny_transformers.mjs';

const words =
  `the a of to and in is it on for with at by from this that cat dog bird fish tree house river
  sun moon star night day red green blue white small large old new quick slow runs sleeps sings jumps eats
  sees finds makes takes goes comes over under near far good bad warm cold one two three four five my your
  his her our who what when where why how not very too also never always here there now then`
    .split(/\s+/)
    .slice(0, tiny.vocabulary - 8);

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '<s>', '</s>', '.'];
const wordList = [...special, ...words];
const numbered = (tokens) => Object.fromEntries(tokens.map((token, id) => [token, id]));
const idOf = numbered(wordList);

const addedTokens = (tokens, ids) =>
  tokens.map((content) => ({
    id: ids[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));

const common = { version: '1.0', truncation: null, padding: null, decoder: null };

const template = (before, after, names) => ({
  type: 'TemplateProcessing',
  single: [
    ...before.map((id) => ({ SpecialToken: { id, type_id: 0 } })),
    { Sequence: { id: 'A', type_id: 0 } },
    ...after.map((id) => ({ SpecialToken: { id, type_id: 0 } })),
  ],
  pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
  special_tokens: Object.fromEntries(
    names.map((id) => [id, { id, ids: [idOf[id]], tokens: [id] }]),
  ),
});

const wordLevel = ({ postProcessor = null, normalizer = null } = {}) => ({
  ...common,
  added_tokens: addedTokens(special.slice(0, -1), idOf),
  normalizer,
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: postProcessor,
  model: { type: 'WordLevel', vocab: idOf, unk_token: '[UNK]' },
});

/** Pieces of words, the way BERT has them. */
const wordPiece = () => ({
  ...wordLevel({ postProcessor: template(['[CLS]'], ['[SEP]'], ['[CLS]', '[SEP]']) }),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: idOf,
  },
});

/** Letters and the space (Ġ) as bytes, and merges of pairs of them. */
function bytePairs() {
  const letters = [...'abcdefghijklmnopqrstuvwxyz', 'Ġ', '.', ','];
  const merges = ['Ġ t', 'h e', 'Ġt he', 'Ġ a', 'i n', 'e r', 'o n', 'Ġ s', 'a t', 'Ġ c', 'Ġc at'];
  const tokens = ['<|endoftext|>', ...letters, ...merges.map((pair) => pair.replace(' ', ''))];
  while (tokens.length < tiny.vocabulary) tokens.push(`Ġ${words[tokens.length - 40]}`);
  const vocab = numbered(tokens);
  const byteLevel = {
    type: 'ByteLevel',
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  };
  return {
    ...common,
    added_tokens: addedTokens(['<|endoftext|>'], vocab),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab,
      merges,
    },
  };
}

const textSizes = {
  vocab_size: tiny.vocabulary,
  hidden_size: tiny.hidden,
  num_hidden_layers: tiny.layerCount,
  num_attention_heads: tiny.heads,
  intermediate_size: tiny.inner,
  max_position_embeddings: tiny.maxLength,
};

const bertTokens = {
  tokenizer_class: 'BertTokenizer',
  do_lower_case: true,
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  mask_token: '[MASK]',
  model_max_length: tiny.maxLength,
};

/** What stands in the folders: models by the names of their files, and JSON by those of theirs. */
const folders = {
  bert: {
    models: { model: () => tiny.bert() },
    'config.json': { model_type: 'bert', architectures: ['BertModel'], ...textSizes },
    'tokenizer.json': wordPiece(),
    'tokenizer_config.json': bertTokens,
  },
  'bert-classifier': {
    models: { model: () => tiny.bert({ isClassifier: true }) },
    'config.json': {
      model_type: 'bert',
      architectures: ['BertForSequenceClassification'],
      ...textSizes,
      id2label: { 0: 'bad', 1: 'fair', 2: 'good' },
      label2id: { bad: 0, fair: 1, good: 2 },
    },
    'tokenizer.json': wordPiece(),
    'tokenizer_config.json': bertTokens,
  },
  gpt2: {
    models: { decoder_model_merged: () => tiny.gpt2() },
    'config.json': {
      model_type: 'gpt2',
      architectures: ['GPT2LMHeadModel'],
      vocab_size: tiny.vocabulary,
      n_embd: tiny.hidden,
      n_head: tiny.heads,
      n_layer: tiny.layerCount,
      n_positions: tiny.maxLength,
      bos_token_id: 0,
      eos_token_id: 0,
    },
    'generation_config.json': { bos_token_id: 0, eos_token_id: null, pad_token_id: 0 },
    'tokenizer.json': bytePairs(),
    'tokenizer_config.json': {
      tokenizer_class: 'GPT2Tokenizer',
      bos_token: '<|endoftext|>',
      eos_token: '<|endoftext|>',
      unk_token: '<|endoftext|>',
      pad_token: '<|endoftext|>',
      model_max_length: tiny.maxLength,
    },
  },
  llama: {
    models: { model: () => tiny.llama() },
    'config.json': {
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      ...textSizes,
      num_key_value_heads: tiny.keyHeads,
      head_dim: tiny.headSize,
      bos_token_id: idOf['<s>'],
      eos_token_id: idOf['</s>'],
    },
    'generation_config.json': { bos_token_id: idOf['<s>'], eos_token_id: null, pad_token_id: 0 },
    'tokenizer.json': wordLevel({ postProcessor: template(['<s>'], [], ['<s>']) }),
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      add_bos_token: true,
      bos_token: '<s>',
      eos_token: '</s>',
      unk_token: '[UNK]',
      pad_token: '[PAD]',
      model_max_length: tiny.maxLength,
    },
  },
  t5: {
    models: { encoder_model: () => tiny.t5Encoder(), decoder_model_merged: () => tiny.t5Decoder() },
    'config.json': {
      model_type: 't5',
      architectures: ['T5ForConditionalGeneration'],
      is_encoder_decoder: true,
      vocab_size: tiny.vocabulary,
      d_model: tiny.hidden,
      d_kv: tiny.headSize,
      d_ff: tiny.inner,
      num_heads: tiny.heads,
      num_layers: tiny.layerCount,
      num_decoder_layers: tiny.layerCount,
      decoder_start_token_id: 0,
      pad_token_id: 0,
      eos_token_id: idOf['</s>'],
    },
    'generation_config.json': { decoder_start_token_id: 0, eos_token_id: null, pad_token_id: 0 },
    'tokenizer.json': wordLevel({ postProcessor: template([], ['</s>'], ['</s>']) }),
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      eos_token: '</s>',
      unk_token: '[UNK]',
      pad_token: '[PAD]',
      model_max_length: tiny.maxLength,
    },
  },
  vit: {
    models: { model: () => tiny.vit() },
    'config.json': {
      model_type: 'vit',
      architectures: ['ViTForImageClassification'],
      hidden_size: tiny.hidden,
      image_size: tiny.imageSize,
      patch_size: tiny.patchSize,
      id2label: Object.fromEntries(
        ['stripes', 'dots', 'waves', 'bricks', 'clouds'].map((label, i) => [i, label]),
      ),
    },
    'preprocessor_config.json': {
      image_processor_type: 'ViTImageProcessor',
      do_resize: false,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
      size: { height: tiny.imageSize, width: tiny.imageSize },
    },
  },
};

/** The suffixes of transformers.js's dtypes, and what `quantize` is told for them. */
const quantizations = {
  quantized: { mode: 'dynamic' },
  q4: { mode: 'weight-only', weights: { type: 'int4', blockSize: 32 }, opTypes: ['MatMul'] },
};

/** The files of all folders: bytes or text by their paths. */
export async function modelFiles(quantize) {
  const files = new Map();
  for (const [folder, { models, ...texts }] of Object.entries(folders)) {
    for (const [name, content] of Object.entries(texts))
      files.set(`${folder}/${name}`, JSON.stringify(content, null, 1));
    for (const [name, build] of Object.entries(models)) {
      const float = build();
      files.set(`${folder}/onnx/${name}.onnx`, float);
      for (const [suffix, options] of Object.entries(quantizations)) {
        const { model } = await quantize(float, options);
        files.set(`${folder}/onnx/${name}_${suffix}.onnx`, model);
      }
    }
  }
  return files;
}

/** Writes files by their paths below a directory. */
export function writeFiles(files, directory) {
  for (const [name, content] of files) {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
}
