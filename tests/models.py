"""Entries of the fixtures that plain torch can run: file, expression, and how to make their inputs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@dataclass(frozen=True, slots=True)
class Runnable:
    file: str
    expression: str
    inputs: Callable[[], tuple[object, ...]]

    def __str__(self) -> str:
        return f"{self.file}:{self.expression}"

    def build(self) -> nn.Module:
        """Runs the fixture's expression for real."""
        module = load(FIXTURES / self.file)
        torch.manual_seed(0)
        model = eval(self.expression, vars(module))
        assert isinstance(model, nn.Module)
        return model


def load(path: Path) -> ModuleType:
    """Imports a fixture under a name of its own."""
    name = f"fixture_{path.parent.name}_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def floats(*shape: int) -> Callable[[], tuple[object, ...]]:
    return lambda: (torch.randn(*shape),)


def tokens(*shape: int, high: int = 50) -> Callable[[], tuple[object, ...]]:
    return lambda: (_tokens(*shape, high=high),)


def _tokens(*shape: int, high: int = 50) -> Tensor:
    return torch.randint(1, high, shape)


IMAGE = floats(2, 3, 32, 32)
DIGIT = floats(2, 1, 28, 28)

MODELS = tuple(
    Runnable(f"models/{file}.py", expression, inputs)
    for file, expression, inputs in (
        ("amp_clip_before_unscale", "ConvNet()", IMAGE),
        ("bert_like", "TextModel(TextConfig())", tokens(2, 10)),
        ("bert_like", "TextForSequenceClassification(TextConfig(hidden_act='relu', num_labels=3))", tokens(2, 10)),
        ("char_rnn_cell", "CharLSTM()", tokens(2, 8)),
        ("conv_autoencoder", "AutoEncoder()", IMAGE),
        ("convnext_like", "ConvNet()", IMAGE),
        ("decoder_cache", "Decoder(Config())", tokens(2, 6)),
        ("decoder_cache", "Decoder(Config(use_cache=False))", tokens(2, 6)),
        ("deep_relu_mlp", "DeepReLU()", floats(2, 64)),
        ("deep_relu_mlp", "DeepReLUHe(depth=5)", floats(2, 64)),
        ("deep_sigmoid_mlp", "DeepNet(30)", floats(2, 30)),
        ("densenet", "DenseNet()", IMAGE),
        ("densenet", "densenet('121', num_classes=100)", IMAGE),
        ("diffusion_mlp", "Denoiser()", lambda: (torch.randn(4, 2), torch.randint(0, 10, (4,)))),
        ("distillation_ema", "ConvTeacher()", IMAGE),
        ("dqn_agent", "QNetwork()", floats(2, 4)),
        ("exploding_init", "Net()", floats(2, 100)),
        ("gan_dcgan", "Generator()", floats(2, 100, 1, 1)),
        ("gan_dcgan", "Discriminator()", DIGIT),
        ("gpt", "GPT(GPTConfig())", tokens(2, 16)),
        ("gpt", "GPT(GPTConfig(n_layer=2, bias=False, dropout=0.0))", tokens(2, 8)),
        ("graph_conv", "GCN()", lambda: (torch.randn(5, 16), torch.eye(5))),
        ("graph_conv", "GAT()", lambda: (torch.randn(5, 16), torch.eye(5))),
        ("gru_packed", "GRUClassifier()", lambda: (_tokens(2, 9), torch.tensor([9, 5]))),
        ("gru_packed", "GRUTagger()", lambda: (_tokens(2, 9), torch.tensor([9, 5]))),
        ("inception_branches", "MiniGoogLeNet()", IMAGE),
        ("inception_branches", "MiniGoogLeNet(aux_logits=False)", IMAGE),
        ("layers_in_list", "StackedNet()", floats(2, 16)),
        ("layers_in_list", "BranchNet()", floats(2, 32, 12)),
        ("llama_like", "Transformer()", tokens(2, 12)),
        ("lora_adapter", "AdaptedBackbone()", floats(2, 64)),
        ("loss_rewrapped", "TextCNN()", tokens(2, 20)),
        ("lstm_tagger", "LSTMTagger()", tokens(2, 9)),
        ("lstm_tagger", "LSTMTagger(bidirectional=False, n_layers=1)", tokens(2, 9)),
        ("mlp_configurable", "Regressor()", floats(2, 32)),
        ("mlp_mnist", "MLP()", DIGIT),
        ("mobilenet_v2", "mobilenet_v2()", IMAGE),
        ("pinn_burgers", "PINN()", lambda: (torch.rand(4, 1), torch.rand(4, 1))),
        ("plain_bn_56", "plain56()", IMAGE),
        ("preact_resnet", "PreActResNet(drop_rate=0.1)", IMAGE),
        ("reinforce_policy", "ActorCritic()", floats(2, 4)),
        ("resnet_cifar", "ResNet18()", IMAGE),
        ("resnet_cifar", "ResNet50(zero_init_residual=True)", IMAGE),
        ("resnet_cifar", "ResNet34(num_classes=100)", IMAGE),
        ("rnn_language_tbptt", "RNNModel()", lambda: (_tokens(7, 2), torch.zeros(1, 2, 64))),
        ("seq2seq_attention", "Seq2Seq()", lambda: (_tokens(5, 2), _tokens(2, 2), 1.0)),
        ("siamese_triplet", "TripletNet()", lambda: tuple(torch.randn(2, 1, 28, 28) for _ in range(3))),
        ("siamese_triplet", "Contrastive()", lambda: tuple(torch.randn(2, 1, 28, 28) for _ in range(2))),
        ("sigmoid_autoencoder", "DeepAE()", floats(2, 784)),
        ("siren", "Siren()", floats(9, 2)),
        ("soft_targets_mixup", "WideNet()", floats(2, 20)),
        ("softmax_in_sequential", "lenet", DIGIT),
        ("softmax_through_tuple", "BagClassifier()", floats(2, 30, 512)),
        ("squeeze_fire", "SqueezeNet()", IMAGE),
        ("tanh_stack_loop", "TwoTower()", lambda: (torch.randn(2, 40), torch.randn(2, 60))),
        ("tcn", "TCN()", floats(2, 4, 30)),
        ("train_amp_accumulate", "SmallResNet()", IMAGE),
        ("transformer_lm_torch", "TransformerModel()", tokens(9, 2)),
        ("unet", "UNet()", floats(2, 3, 48, 48)),
        ("unet", "UNet(n_classes=2, bilinear=True)", floats(2, 3, 48, 64)),
        ("unet_list", "StackUNet()", floats(2, 1, 32, 32)),
        ("vae_mnist", "VAE()", DIGIT),
        ("vgg_cfg", "vgg16()", IMAGE),
        ("vgg_cfg", "VGG('VGG11', batch_norm=False, init_weights=False)", IMAGE),
        ("vgg_plain_default", "PlainVGG()", IMAGE),
        ("vit", "VisionTransformer()", IMAGE),
        ("vit_einops", "ViT()", IMAGE),
        ("wgan_gp", "Critic()", floats(4, 2)),
        ("zero_weights", "Classifier()", floats(2, 20)),
        ("zero_weights", "ResidualHead()", floats(2, 64)),
    )
)
"""Whole models."""

SAMPLED = tuple(
    Runnable("models/distributions.py", f"{name}()", inputs)
    for name, inputs in (
        ("Autoencoder", floats(4, 30)),
        ("Policy", floats(4, 4)),
        ("Squashed", floats(4, 4)),
        ("Mixture", lambda: (torch.randn(4, 1), torch.randn(4, 1))),
        ("Coins", floats(4, 8)),
        ("Latent", floats(4, 8)),
    )
)
"""Models with distributions, whose views and copies are not told one by one."""

IDIOMS = tuple(
    Runnable(f"graphs/{path.name}", "Net()", floats(2, 8)) for path in sorted((FIXTURES / "graphs").glob("*.py"))
)
"""Small modules, one idiom of the language each."""

UNKNOWABLE = {"graphs/unknown_branch.py", "graphs/unknown_loop.py", "graphs/optional_import.py"}
"""Idioms whose path through the code only the data, or the machine, knows."""
