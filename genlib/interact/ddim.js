// What every walk back needs of the noising process and of DDIM's steps, as genlib.ddpm has it.

// 1 - beta multiplied up: the share of the data's variance that is left at t = 0..T.
function leftOf(beta) {
  let product = 1;
  return Float64Array.from(beta, (b) => (product *= 1 - b));
}

// steps + 1 falling times t (left / steps)^power from t to 0; a half is rounded to the even side, as Python does.
function timesOf(t, steps, power = 1) {
  return Array.from({ length: steps + 1 }, (_, i) => {
    const place = t * ((steps - i) / steps) ** power, low = Math.floor(place);
    return Math.max(place - low === 0.5 ? low + (low % 2) : Math.round(place), steps - i);
  });
}

// A step from what is left now to what is left then, as factors of the guessed data, the guessed noise and fresh noise.
function ddimStep(now, then, eta) {
  const variance = eta ** 2 * ((1 - then) / (1 - now)) * (1 - now / then);
  return [Math.sqrt(then), Math.sqrt(1 - then - variance), Math.sqrt(variance)];
}
