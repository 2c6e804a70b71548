"""The English labels of results, which are stored under neutral keys: a translation changes this file only."""

# rows of the running table, by their keys in book/_data/table.json
ROWS = {
    "floor": "real digits (the floor)",
    "naive_bayes": "Gaussian naive Bayes",
    "full_gaussian": "Gaussian, full covariance",
    "mixture": "Mixture of Gaussians (EM)",
    "kernel_density": "Kernel density",
    "ae_standard_normal": "AE + N(0, I)",
    "ae_fitted_gaussian": "AE + Gaussian on codes",
    "ae_fitted_mixture": "AE + mixture on codes",
    "vae": "VAE",
    "vae_fitted_mixture": "VAE + mixture on codes",
    "gan": "GAN",
    "ddpm": "DDPM, 1,000 steps",
    "ddim": "DDPM, 50 steps",
    "ddpm_conditional": "Conditional DDPM, 50 steps",
    "ddpm_guided": "Guided DDPM, scale 2, 50 steps",
    "flow_50": "Flow matching, 50 steps",
    # the same two trainings in few steps: book/_data/few_steps.json
    "flow_10": "Flow matching, 10 steps",
    "flow_4": "Flow matching, 4 steps",
    "flow_2": "Flow matching, 2 steps",
    "flow_1": "Flow matching, 1 step",
    "ddim_50": "DDIM (eta 0), 50 steps",
    "ddim_10": "DDIM (eta 0), 10 steps",
    "ddim_4": "DDIM (eta 0), 4 steps",
    "ddim_2": "DDIM (eta 0), 2 steps",
    "ddim_1": "DDIM (eta 0), 1 step",
}

# its columns: (heading, unit)
COLUMNS = {
    "frechet": ("Fréchet distance", "feature units²"),
    "precision": ("precision", "share"),
    "recall": ("recall", "share"),
    "class_tv": ("class histogram", "total variation"),
    "nearest_ratio": ("nearest-training ratio", "under 1: closer than new digits"),
    "label_accuracy": ("label accuracy", "share"),
    "accuracy": ("test accuracy", "share"),
    "lenient": ("as asked", "share"),
    "strict": ("as asked and clean", "share"),
    "modes": ("modes", "count"),
    "high_quality": ("within 3 sd of a mode", "share"),
    "spread": ("spread", "sd of a mode"),
    "inside": ("inside the edges", "share"),
    "mean_log_prob": ("log p of the truth", "nats per point"),
    "mmd": ("MMD", "squared"),
    "sliced_wasserstein": ("sliced Wasserstein", "units of x"),
    "log_prob_test": ("log p(x), test", "nats per image"),
    "parameters": ("parameters", "count"),
    "train_cpu_s": ("training", "CPU-s"),
    "sample_s_per_1000": ("1,000 samples", "CPU-s"),
    "sample": ("draws", "new images"),
    "density": ("says how probable", "a given image is"),
    "encode": ("has a code", "for a given image"),
    "condition": ("takes a wish", "for a class"),
    "edit": ("edits", "a given image"),
}

# what a model can do, as the cells of those columns say it
CAN = {"yes": "✓ yes", "bound": "✓ a bound", "no": "– no"}

# what the last column of the running table says of a row
VERDICTS = {
    "better": "better",
    "worse": "worse",
    "same": "no difference that this table can see",
    "reference": "the reference row",
    "few": "one run: no verdict",
    "floor": "–",
}

# what else the table says
TABLE = {
    "floor_of_any": "real data (the floor)",
    "seen": "pairs that were seen",
    "held_out": "pairs that were held out",
    "model": "model",
    "name": "The running table",
    "legend": "↑ larger is better, ↓ smaller is better; ± is the standard deviation over seeds, [from, to] the 95 % "
    "interval over seeds and draws of samples.",
    "against": "against {row}",
}

# rows of stored pictures, by their keys under "pictures" in book/_data
PICTURES = {
    "unseen": "unseen digits",
    "real": "real digits",
    "nearest": "nearest training digit",
    # chapter 1
    "naive_bayes": "naive Bayes",
    "full_gaussian": "full Gaussian",
    "gaussian_mixture": "mixture of Gaussians",
    "kernel_density": "kernel density",
    "real_threes": "real threes",
    "backwards": "classifier run backwards",
    # chapter 2
    "pca_2": "PCA, 2 numbers",
    "autoencoder_2": "autoencoder, 2",
    "pca_16": "PCA, 16 numbers",
    "autoencoder_16": "autoencoder, 16",
    "noisy": "with noise",
    "mean_filter": "mean filter",
    "pca": "PCA",
    "autoencoder": "autoencoder",
    "standard": "N(0, I)",
    "scaled": "N(0, s²I)",
    "gaussian": "fitted Gaussian",
    "mixture": "fitted mixture",
    # chapter 3
    "vae_mean": "VAE, mean code",
    "draws_1": "digit 1, and draws",
    "draws_2": "digit 2, and draws",
    "draws_3": "digit 3, and draws",
    "ae_standard": "autoencoder, N(0, I)",
    "vae_prior": "VAE, prior",
    "vae_pixels": "the same, pixels drawn",
    "ae_mixture": "AE, mixture",
    "vae_mixture": "VAE, mixture",
    "ae_2_8": "AE, 2 to 8",
    "vae_2_8": "VAE, 2 to 8",
    "ae_0_7": "AE, 0 to 7",
    "vae_0_7": "VAE, 0 to 7",
    "beta_0": "β = 0",
    "beta_0.1": "β = 0.1",
    "beta_1": "β = 1",
    "beta_5": "β = 5",
    "beta_50": "β = 50",
    # chapter 4
    "gan": "GAN",
    "between": "between two codes",
    # chapter 5
    "noise": "pure noise",
    "one_step": "the digit in it, in one step",
    "t_800": "t = 800",
    "seen_800": "seen in it",
    "t_600": "t = 600",
    "seen_600": "seen in it",
    "t_400": "t = 400",
    "seen_400": "seen in it",
    "t_200": "t = 200",
    "seen_200": "seen in it",
    "t_0": "t = 0",
    "ddpm": "DDPM",
    "taught_20": "taught 20 digits",
    "nearest_20": "nearest of the 20",
    "y_0": "0, please",
    "y_1": "1, please",
    "y_2": "2, please",
    "y_3": "3, please",
    "y_4": "4, please",
    "y_5": "5, please",
    "y_6": "6, please",
    "y_7": "7, please",
    "y_8": "8, please",
    "y_9": "9, please",
    # chapter 6
    "free_0": "no classifier, s = 0",
    "free_1": "s = 1",
    "free_2": "s = 2",
    "free_5": "s = 5",
    "classifier_0": "classifier, s = 0",
    "classifier_1": "s = 1",
    "classifier_4": "s = 4",
    "classifier_8": "s = 8",
    # the bug museum
    "faulty": "this run",
    "sound": "without the fault",
    "batch_1": "batch 1",
    "batch_2": "batch 2",
}

# measures on trial (chapter 7), by their keys in book/_data/measures.json
MEASURES = {
    "frechet": "Fréchet distance",
    "kernel": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "class_tv": "class histogram",
    "nearest_ratio": "nearest-training ratio",
    "label_accuracy": "label accuracy",
    "two_sample": "two-sample accuracy",
    "log_prob": "log density",
}

# what is done to real digits there
CORRUPTIONS = {
    "blur": "blurred",
    "noise": "noisy",
    "shift": "shifted by a pixel",
    "two_dropped": "two classes dropped",
    "one_class": "one class only",
    "copied": "copied from training",
    "static": "part is static",
    "inverted": "greys inverted",
    "one_wrong": "nine classes right",
}
