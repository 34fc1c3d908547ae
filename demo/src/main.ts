import { startDigit } from './digit.ts';
import { startModel } from './model.ts';
import { startOcr } from './ocr.ts';

/** Tabs as the ARIA practices describe them: arrows move, the tab in focus is shown. */
function startTabs(onShow: (panel: string) => void): void {
  const tabs = [...document.querySelectorAll<HTMLButtonElement>('[role=tab]')];
  const show = (chosen: HTMLButtonElement) => {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute('aria-controls') ?? '')!.hidden = !selected;
    }
    onShow(chosen.id.replace('tab-', ''));
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener('click', () => show(tab));
    tab.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(i + step + tabs.length) % tabs.length];
      next.focus();
      show(next);
    });
  });
}

const shown = { panel: 'digit' };
startTabs((panel) => {
  shown.panel = panel;
});
startDigit();
startOcr(() => shown.panel === 'ocr');
startModel();
