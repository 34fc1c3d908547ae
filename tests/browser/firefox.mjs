/** The system's Firefox, without a window; its profile is a temporary folder that goes when it ends. */
import puppeteer from 'puppeteer-core';

export const launchFirefox = () =>
  puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    timeout: 120_000,
  });
