/** What transformers.js is asked to do, in Node and in a page: everything it answers, as plain data. */

/** Pixels of a picture made of waves. */
function picture({ RawImage }, phase) {
  const side = 32;
  const data = Uint8ClampedArray.from({ length: 3 * side * side }, (_, i) => {
    const [x, y, channel] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3];
    return 127.5 + 127.5 * Math.sin(phase + x * 0.4 + channel + y * 0.15 * phase);
  });
  return new RawImage(data, side, side, 3);
}

const greedy = { max_new_tokens: 20, do_sample: false };

const tasks = {
  'feature-extraction': {
    folder: 'bert',
    async ask(pipe) {
      const texts = ['The small cat sleeps under the old tree.', 'who sees the moon'];
      const [all, pooled] = [
        await pipe(texts),
        await pipe(texts, { pooling: 'mean', normalize: true }),
      ];
      return { dims: [all.dims, pooled.dims], numbers: [...all.data, ...pooled.data] };
    },
  },
  'text-classification': {
    folder: 'bert-classifier',
    async ask(pipe) {
      const answers = await pipe(['a good day', 'cold night and a bad dog'], { top_k: 3 });
      const flat = answers.flat();
      return { texts: flat.map(({ label }) => label), numbers: flat.map(({ score }) => score) };
    },
  },
  'text-generation': {
    folder: 'gpt2',
    options: { model_file_name: 'decoder_model_merged' },
    async ask(pipe) {
      const answers = await pipe(['the cat sat on', 'a dog'], greedy);
      return { texts: answers.flat().map(({ generated_text: text }) => text), numbers: [] };
    },
  },
  'text-generation with GroupQueryAttention': {
    task: 'text-generation',
    folder: 'llama',
    async ask(pipe) {
      const { tokenizer, model } = pipe;
      const [{ generated_text: text }] = await pipe('the quick red bird', greedy);
      const tokens = await model.generate({ ...tokenizer('the quick red bird'), ...greedy });
      const { logits } = await model(tokenizer('one two three'));
      return { texts: [text], tokens: tokens.dims[1], numbers: [...logits.data] };
    },
  },
  'text2text-generation': {
    folder: 't5',
    async ask(pipe) {
      const answers = await pipe(['where is my fish', 'the river runs'], greedy);
      return { texts: answers.map(({ generated_text: text }) => text), numbers: [] };
    },
  },
  'image-classification': {
    folder: 'vit',
    async ask(pipe, transformers) {
      const pictures = [0.5, 2].map((phase) => picture(transformers, phase));
      const answers = (await pipe(pictures, { top_k: 5 })).flat();
      return {
        texts: answers.map(({ label }) => label),
        numbers: answers.map(({ score }) => score),
      };
    },
  },
};

export const taskNames = Object.keys(tasks);
export const dtypes = ['fp32', 'q8', 'q4'];

/** The answers by task and dtype. `options` go to every pipeline; `names` are those of the tasks to run. */
export async function runTasks(transformers, modelPath, options, names = taskNames) {
  Object.assign(transformers.env, {
    allowRemoteModels: false,
    allowLocalModels: true,
    localModelPath: modelPath,
    useFSCache: false,
    useBrowserCache: false,
  });
  const answers = {};
  for (const name of names) {
    const { task = name, folder, options: own, ask } = tasks[name];
    for (const dtype of dtypes) {
      const pipe = await transformers.pipeline(task, folder, { dtype, ...own, ...options });
      answers[`${name}, ${dtype}`] = await ask(pipe, transformers);
      await pipe.dispose();
    }
  }
  return answers;
}
