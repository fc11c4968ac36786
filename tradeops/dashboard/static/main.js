// Puts the parts of a page to work; without it every page still says all it has to say.
import { drawCharts } from "./charts.js";
import { keepAges } from "./ages.js";
import { stayLive } from "./live.js";
import { keepScrolls, markScrolls } from "./scrolls.js";
import { offerThemes } from "./themes.js";
import { offerChoices } from "./choices.js";

offerThemes(drawCharts);
offerChoices();
keepAges();
keepScrolls();
drawCharts();
stayLive(() => {
  markScrolls();
  drawCharts();
});
