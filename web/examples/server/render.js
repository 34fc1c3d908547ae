import { digits } from './component.js';

export { readDigits } from '../app/digits.js';

/** The page, made where there is no document. */
export const render = () => `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>Octet: rendered on a server</title>
  ${digits.markup}
  <script type="module" src="./main.js"></script>
</html>
`;
