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
    "log_prob_test": ("log p(x), test", "nats per image"),
    "parameters": ("parameters", "count"),
    "train_cpu_s": ("training", "CPU-s"),
    "sample_s_per_1000": ("1,000 samples", "CPU-s"),
}

# what else the table says
TABLE = {
    "model": "model",
    "name": "The running table",
    "legend": "↑ larger is better, ↓ smaller is better; ± is the standard deviation over seeds.",
}

# rows of stored pictures, by their keys under "pictures" in book/_data
PICTURES = {
    "unseen": "unseen digits",
    "real": "real digits",
    "nearest": "nearest training digit",
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
    # chapter 4
    "gan": "GAN",
    "between": "between two codes",
    # chapter 5
    "noise": "pure noise",
    "one_step": "the digit in it, in one step",
    "t_1000": "t = 1000",
    "t_600": "t = 600",
    "t_400": "t = 400",
    "t_200": "t = 200",
    "t_0": "t = 0",
    "ddpm": "DDPM",
}
