using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace NativeRanger.Numerics;

/// <summary>MathNet's <see cref="FindMinimum"/> with a recipe after the initial guess.</summary>
/// <remarks>
/// Unlike MathNet's own, which throw at the limit, they return the best point that was seen. For the reason, more options and
/// diagnostics use <see cref="FirstOrderMinimizer"/> directly.
/// </remarks>
public static class FindMinimumExtensions
{
    private const double GradientTolerance = 1e-5;
    private const int MaximumIterations = 10_000;

    extension(FindMinimum)
    {
        /// <summary>Finds the vector x that minimises f(x) by the steps of a recipe.</summary>
        /// <param name="function">f.</param>
        /// <param name="gradient">The gradient of f.</param>
        /// <param name="initialGuess">Where to start; it stays as it is.</param>
        /// <param name="optimizer">The recipe.</param>
        /// <param name="gradientTolerance">As of <see cref="FirstOrderMinimizer"/>.</param>
        /// <param name="parameterTolerance">As of <see cref="FirstOrderMinimizer"/>; 0, which is never, by default.</param>
        /// <param name="functionProgressTolerance">As of <see cref="FirstOrderMinimizer"/>; 0, which is never, by default.</param>
        /// <param name="maxIterations">The steps at which the best point so far is returned.</param>
        /// <exception cref="EvaluationException">A value or a gradient is not finite.</exception>
        public static Vector<double> OfFunctionGradient(
            Func<Vector<double>, double> function,
            Func<Vector<double>, Vector<double>> gradient,
            Vector<double> initialGuess,
            Optimizer optimizer,
            double gradientTolerance = GradientTolerance,
            double parameterTolerance = 0,
            double functionProgressTolerance = 0,
            int maxIterations = MaximumIterations
        ) =>
            new FirstOrderMinimizer(
                optimizer,
                gradientTolerance,
                parameterTolerance,
                functionProgressTolerance,
                maxIterations
            )
                .FindMinimum(ObjectiveFunction.Gradient(function, gradient), initialGuess)
                .MinimizingPoint;

        /// <inheritdoc cref="OfFunctionGradient(Func{Vector{double}, double}, Func{Vector{double}, Vector{double}}, Vector{double}, Optimizer, double, double, double, int)"/>
        /// <param name="functionGradient">f and its gradient.</param>
        /// <param name="initialGuess">Where to start; it stays as it is.</param>
        /// <param name="optimizer">The recipe.</param>
        /// <param name="gradientTolerance">As of <see cref="FirstOrderMinimizer"/>.</param>
        /// <param name="parameterTolerance">As of <see cref="FirstOrderMinimizer"/>; 0, which is never, by default.</param>
        /// <param name="functionProgressTolerance">As of <see cref="FirstOrderMinimizer"/>; 0, which is never, by default.</param>
        /// <param name="maxIterations">The steps at which the best point so far is returned.</param>
        public static Vector<double> OfFunctionGradient(
            Func<Vector<double>, (double Value, Vector<double> Gradient)> functionGradient,
            Vector<double> initialGuess,
            Optimizer optimizer,
            double gradientTolerance = GradientTolerance,
            double parameterTolerance = 0,
            double functionProgressTolerance = 0,
            int maxIterations = MaximumIterations
        ) =>
            new FirstOrderMinimizer(
                optimizer,
                gradientTolerance,
                parameterTolerance,
                functionProgressTolerance,
                maxIterations
            )
                .FindMinimum(ObjectiveFunction.Gradient(functionGradient), initialGuess)
                .MinimizingPoint;

        /// <summary>Finds the array x that minimises f(x) by the steps of a recipe, without any vectors.</summary>
        /// <param name="functionGradient">Gives f at a point (the first array), and stores its gradient in the second.</param>
        /// <param name="initialGuess">Where to start; it stays as it is.</param>
        /// <param name="optimizer">The recipe.</param>
        /// <param name="gradientTolerance">As of <see cref="FirstOrderMinimizer"/>.</param>
        /// <param name="parameterTolerance">As of <see cref="FirstOrderMinimizer"/>; 0, which is never, by default.</param>
        /// <param name="functionProgressTolerance">As of <see cref="FirstOrderMinimizer"/>; 0, which is never, by default.</param>
        /// <param name="maxIterations">The steps at which the best point so far is returned.</param>
        /// <exception cref="EvaluationException">A value or a gradient is not finite.</exception>
        public static double[] OfFunctionGradient(
            Func<double[], double[], double> functionGradient,
            double[] initialGuess,
            Optimizer optimizer,
            double gradientTolerance = GradientTolerance,
            double parameterTolerance = 0,
            double functionProgressTolerance = 0,
            int maxIterations = MaximumIterations
        ) =>
            new FirstOrderMinimizer(
                optimizer,
                gradientTolerance,
                parameterTolerance,
                functionProgressTolerance,
                maxIterations
            )
                .FindMinimum(functionGradient, initialGuess)
                .ToArray();

        /// <summary>Finds the vector x that minimises f(x) by the steps of a recipe, along gradients of central differences.</summary>
        /// <inheritdoc cref="OfFunctionGradient(Func{Vector{double}, double}, Func{Vector{double}, Vector{double}}, Vector{double}, Optimizer, double, double, double, int)"/>
        /// <param name="function">f; it is evaluated 2n + 1 times per step.</param>
        /// <param name="initialGuess">Where to start; it stays as it is.</param>
        /// <param name="optimizer">The recipe.</param>
        /// <param name="gradientTolerance">As of <see cref="FirstOrderMinimizer"/>.</param>
        /// <param name="parameterTolerance">As of <see cref="FirstOrderMinimizer"/>; 0, which is never, by default.</param>
        /// <param name="functionProgressTolerance">As of <see cref="FirstOrderMinimizer"/>; 0, which is never, by default.</param>
        /// <param name="maxIterations">The steps at which the best point so far is returned.</param>
        public static Vector<double> OfFunction(
            Func<Vector<double>, double> function,
            Vector<double> initialGuess,
            Optimizer optimizer,
            double gradientTolerance = GradientTolerance,
            double parameterTolerance = 0,
            double functionProgressTolerance = 0,
            int maxIterations = MaximumIterations
        ) =>
            new FirstOrderMinimizer(
                optimizer,
                gradientTolerance,
                parameterTolerance,
                functionProgressTolerance,
                maxIterations
            )
            {
                UseFiniteDifferences = true,
            }
                .FindMinimum(ObjectiveFunction.Value(function), initialGuess)
                .MinimizingPoint;
    }
}
