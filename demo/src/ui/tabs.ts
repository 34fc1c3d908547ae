/** Tabs as the ARIA practices describe them: arrows move, the tab in focus is shown. The address keeps the choice. */
import { byId } from './dom.ts';

export interface Tabs {
  show(panel: string): void;
  shown(): string;
}

const tabOf = (panel: string) => document.getElementById(`tab-${panel}`);

export function startTabs(panels: string[], onShow: (panel: string) => void): Tabs {
  let current = '';

  const show = (panel: string) => {
    if (panel === current) return;
    current = panel;
    for (const each of panels) {
      const tab = byId(`tab-${each}`);
      tab.setAttribute('aria-selected', String(each === panel));
      tab.tabIndex = each === panel ? 0 : -1;
      byId(`panel-${each}`).hidden = each !== panel;
    }
    onShow(panel);
  };
  const choose = (panel: string) => {
    history.replaceState(null, '', `#${panel}`);
    show(panel);
  };
  const keys: Record<string, (at: number) => number> = {
    ArrowRight: (at) => (at + 1) % panels.length,
    ArrowLeft: (at) => (at + panels.length - 1) % panels.length,
    Home: () => 0,
    End: () => panels.length - 1,
  };
  panels.forEach((panel, at) => {
    const tab = byId(`tab-${panel}`);
    tab.addEventListener('click', () => choose(panel));
    tab.addEventListener('keydown', (event) => {
      const next = keys[event.key]?.(at);
      if (next === undefined) return;
      event.preventDefault();
      choose(panels[next]);
      tabOf(panels[next])?.focus();
    });
  });
  const fromAddress = () => {
    const panel = location.hash.slice(1);
    show(panels.includes(panel) ? panel : panels[0]);
  };
  window.addEventListener('hashchange', fromAddress);
  fromAddress();
  return { show: choose, shown: () => current };
}
