using MathNet.Numerics.LinearAlgebra.Double;
using NativeRanger.Numerics;

namespace NativeRanger.Cli.Models;

/// <summary>A network with one hidden layer of rectified linear units: scores = W₂·max(0, W₁·x + b₁) + b₂.</summary>
internal sealed class HiddenLayerNetwork : Model
{
    private readonly (DenseMatrix Weights, DenseVector Bias) hidden;
    private readonly (DenseMatrix Weights, DenseVector Bias) output;
    private readonly (DenseMatrix Weights, DenseVector Bias) hiddenGradient;
    private readonly (DenseMatrix Weights, DenseVector Bias) outputGradient;
    private readonly BatchBuffer activations;
    private readonly BatchBuffer activationErrors;
    private readonly BatchBuffer scores;

    /// <summary>A network whose weights are drawn from a normal distribution of variance 2/inputs, biases 0.</summary>
    /// <remarks>Source of the variance: He et al., Delving Deep into Rectifiers, ICCV 2015.</remarks>
    public HiddenLayerNetwork(int features, int units, int classes, int seed)
    {
        var random = new Random(seed);
        hidden = (Drawn(units, features, random), new(units));
        output = (Drawn(classes, units, random), new(classes));
        hiddenGradient = (new(units, features), new(units));
        outputGradient = (new(classes, units), new(classes));
        activations = new(units);
        activationErrors = new(units);
        scores = new(classes);
        Parameters =
        [
            Parameter.Of("hidden weights", hidden.Weights),
            Parameter.Of("hidden bias", hidden.Bias),
            Parameter.Of("output weights", output.Weights),
            Parameter.Of("output bias", output.Bias),
        ];
        Gradients =
        [
            hiddenGradient.Weights.Values,
            hiddenGradient.Bias.Values,
            outputGradient.Weights.Values,
            outputGradient.Bias.Values,
        ];
    }

    public override IReadOnlyList<Parameter<double>> Parameters { get; }

    public override double[]?[] Gradients { get; }

    public override DenseMatrix Scores(Batch batch)
    {
        var result = scores.For(batch);
        Affine(output.Weights, Activations(batch), output.Bias, result);
        return result;
    }

    public override void ComputeGradients(Batch batch)
    {
        var errors = Scores(batch);
        CrossEntropy.Differentiate(errors, batch.Labels);
        var active = activations.For(batch);
        AffineGradients(errors, active, output, outputGradient);

        var hiddenErrors = activationErrors.For(batch);
        output.Weights.TransposeThisAndMultiply(errors, hiddenErrors);
        for (var i = 0; i < hiddenErrors.Values.Length; i++)
        {
            if (active.Values[i] <= 0)
            {
                hiddenErrors.Values[i] = 0;
            }
        }

        AffineGradients(hiddenErrors, batch.Inputs, hidden, hiddenGradient);
    }

    private DenseMatrix Activations(Batch batch)
    {
        var active = activations.For(batch);
        Affine(hidden.Weights, batch.Inputs, hidden.Bias, active);
        for (var i = 0; i < active.Values.Length; i++)
        {
            active.Values[i] = Math.Max(0, active.Values[i]);
        }

        return active;
    }

    private static DenseMatrix Drawn(int rows, int columns, Random random)
    {
        var deviation = Math.Sqrt(2d / columns);
        return DenseMatrix.Create(rows, columns, (_, _) => deviation * StandardNormal(random));
    }

    /// <summary>One number by the method of Box and Muller.</summary>
    private static double StandardNormal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
