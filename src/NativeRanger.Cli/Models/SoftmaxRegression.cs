using MathNet.Numerics.LinearAlgebra.Double;
using NativeRanger.Numerics;

namespace NativeRanger.Cli.Models;

/// <summary>Softmax regression: scores = W·x + b, starting from 0.</summary>
internal sealed class SoftmaxRegression : Model
{
    private readonly (DenseMatrix Weights, DenseVector Bias) layer;
    private readonly (DenseMatrix Weights, DenseVector Bias) gradient;
    private readonly BatchBuffer scores;

    public SoftmaxRegression(int features, int classes)
    {
        layer = (new(classes, features), new(classes));
        gradient = (new(classes, features), new(classes));
        scores = new(classes);
        Parameters = [Parameter.Of("weights", layer.Weights), Parameter.Of("bias", layer.Bias)];
        Gradients = [gradient.Weights.Values, gradient.Bias.Values];
    }

    public override IReadOnlyList<Parameter<double>> Parameters { get; }

    public override double[]?[] Gradients { get; }

    public override DenseMatrix Scores(Batch batch)
    {
        var result = scores.For(batch);
        Affine(layer.Weights, batch.Inputs, layer.Bias, result);
        return result;
    }

    public override void ComputeGradients(Batch batch)
    {
        var errors = Scores(batch);
        CrossEntropy.Differentiate(errors, batch.Labels);
        AffineGradients(errors, batch.Inputs, layer, gradient);
    }
}
